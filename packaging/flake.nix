# watchfire for Nix: nix build ./packaging
#
# Untried: it was written on a machine without Nix.
{
  description = "A terminal watch for on-call engineers";
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs =
    { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      each = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
      manifest = (nixpkgs.lib.importTOML ../Cargo.toml).package;
    in
    {
      packages = each (pkgs: {
        default = pkgs.rustPlatform.buildRustPackage {
          pname = manifest.name;
          inherit (manifest) version;
          src = ../.;
          cargoLock.lockFile = ../Cargo.lock;
          buildType = "dist";
          # Its tests need a Prometheus, an Alertmanager and a VictoriaMetrics.
          doCheck = false;
          nativeBuildInputs = [ pkgs.installShellFiles ];
          postInstall = ''
            $out/bin/watchfire man --directory man
            installManPage man/*.1
            for shell in bash fish zsh; do
              $out/bin/watchfire completions $shell >watchfire.$shell
            done
            installShellCompletion watchfire.{bash,fish,zsh}
          '';
          meta = {
            inherit (manifest) description;
            license = with pkgs.lib.licenses; [ mit asl20 ];
            mainProgram = "watchfire";
          };
        };
      });
    };
}
