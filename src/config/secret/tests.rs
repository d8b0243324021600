//! Secrets come from where they should and from nowhere else.

use std::path::PathBuf;

use secrecy::ExposeSecret;

use super::*;

const CANARY: &str = "CANARY-5f3a";

fn file(folder: &Path, text: &[u8], mode: u32) -> SecretRef {
    let path = folder.join("secret");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    SecretRef::File(path)
}

fn shell(script: &str) -> SecretRef {
    SecretRef::Command(vec!["sh".into(), "-c".into(), script.into()])
}

async fn resolved(secret: &SecretRef) -> String {
    secret.resolve().await.unwrap().expose_secret().to_owned()
}

async fn refused(secret: &SecretRef) -> String {
    let fault = secret.resolve().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Secret);
    let words = fault.message.raw().to_owned();
    assert!(!words.contains(CANARY), "{words}");
    words
}

#[tokio::test]
async fn a_variable_is_read() {
    let name = "PATH";
    let secret = SecretRef::Env(name.into());
    assert_eq!(resolved(&secret).await, std::env::var(name).unwrap());
    assert_eq!(
        refused(&SecretRef::Env("WATCHFIRE_TEST_UNSET".into())).await,
        "environment variable WATCHFIRE_TEST_UNSET is not set; export it"
    );
}

#[tokio::test]
async fn the_first_line_of_a_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let secret = file(folder.path(), b" s3cret \r\nuser: mara\n", 0o400);
    assert_eq!(resolved(&secret).await, "s3cret");
}

#[tokio::test]
async fn a_file_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o604, 0o640, 0o644, 0o660, 0o601, 0o777] {
        let secret = file(folder.path(), CANARY.as_bytes(), mode);
        let words = refused(&secret).await;
        assert!(
            words.contains("can be read by others; run `chmod 600"),
            "{mode:o} {words}"
        );
    }
    for mode in [0o600, 0o400, 0o700] {
        let secret = file(folder.path(), CANARY.as_bytes(), mode);
        assert_eq!(resolved(&secret).await, CANARY, "{mode:o}");
    }
}

#[tokio::test]
async fn a_link_is_judged_by_what_it_points_to() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), CANARY.as_bytes(), 0o644);
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path().join("secret"), &link).unwrap();
    refused(&SecretRef::File(link)).await;
}

#[tokio::test]
async fn what_holds_no_secret_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for text in [&b""[..], b"\n \n", b"\xff\xfe"] {
        refused(&file(folder.path(), text, 0o600)).await;
    }
    refused(&SecretRef::File(PathBuf::from("/no/such/file"))).await;
    refused(&SecretRef::File(folder.path().to_owned())).await;
    refused(&SecretRef::Command(Vec::new())).await;
    refused(&SecretRef::Command(vec![
        "/no/such/program".into(),
        CANARY.into(),
    ]))
    .await;
    refused(&shell("true")).await;
}

#[tokio::test]
async fn a_command_prints_a_secret_without_shell_and_input() {
    let secret = SecretRef::Command(vec!["printf".into(), "%s\nrest".into(), "$HOME".into()]);
    assert_eq!(resolved(&secret).await, "$HOME");
    assert_eq!(resolved(&shell("cat; echo read")).await, "read");
    assert_eq!(
        refused(&shell("echo CANARY-5f3a; echo CANARY-5f3a >&2; exit 3")).await,
        "command sh failed with exit code 3; run it by hand to see why"
    );
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_given_up() {
    let secret = shell("sleep 1000");
    let fault = secret
        .resolve_within(Duration::from_millis(50))
        .await
        .unwrap_err();
    assert_eq!(fault.message.raw(), "command sh gave no secret within 50ms");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_command_dies_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("pid");
    let secret = shell(&format!("sleep 1000 & echo $! >{}; wait", note.display()));
    let resolving = tokio::spawn(async move { secret.resolve().await.map(|_| ()) });
    let pid = loop {
        let text = fs::read_to_string(&note).unwrap_or_default();
        if text.ends_with('\n') {
            break text.trim().to_owned();
        }
        tokio::task::yield_now().await;
    };
    resolving.abort();
    // Gone, or a zombie that its new parent has not asked about.
    let gone = || {
        fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z"))
    };
    let begun = std::time::Instant::now();
    while !gone() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it lives on");
        tokio::task::yield_now().await;
    }
}
