# watchfire for Homebrew: brew install --build-from-source ./packaging/homebrew/watchfire.rb
#
# Untried: it was written on a machine without Homebrew. `url` and `sha256` are those of a published crate.
class Watchfire < Formula
  desc "Terminal watch for on-call engineers: SLOs, releases, incidents"
  homepage "https://crates.io/crates/watchfire"
  url "https://static.crates.io/crates/watchfire/watchfire-0.1.0.crate"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args
    system bin/"watchfire", "man", "--directory", "man"
    man1.install Dir["man/*.1"]
    generate_completions_from_executable(bin/"watchfire", "completions", shells: [:bash, :fish, :zsh])
  end

  test do
    assert_match "watchfire #{version}", shell_output("#{bin}/watchfire --version")
    assert_match "[[source]]", shell_output("#{bin}/watchfire config")
  end
end
