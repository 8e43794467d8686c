//! What the server serves, and what it refuses. Run by `cargo test-devices`.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use burn::tensor::{Device, Tensor};
use devices::{DeviceError, DeviceName};

const TOKEN: &str = "correct-horse-battery-staple";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_device_server"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// A token file with these permissions.
fn token_file(folder: &Path, token: &str, mode: u32) -> String {
    let path: PathBuf = folder.join("token");
    std::fs::write(&path, format!("{token}\n")).expect("it is written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    path.display().to_string()
}

/// What the program says when it ends at once, and its exit code.
fn refused(arguments: &[&str]) -> (String, Option<i32>) {
    let output = command(arguments).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    (said, output.status.code())
}

/// A server that ends when it goes out of scope.
struct Serving {
    child: Child,
    /// What a client passes to `--device`.
    name: String,
}

impl Serving {
    fn start(arguments: &[&str]) -> Self {
        let mut command = command(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let line = lines.next().expect("a line").expect("text");
        let (_, name) = line.split_once(" as ").unwrap_or_else(|| panic!("{line}"));
        let name = name.to_owned();
        // The rest of the log has to go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, name }
    }

    /// Asks it to stop, and returns its exit code.
    fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").arg(&id).status().expect("kill starts");
        assert!(sent.success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn open(name: &str, token: Option<&str>) -> Result<Device, DeviceError> {
    let name: DeviceName = name.parse().expect("a name that the server printed");
    devices::open(&name, token)
}

#[track_caller]
fn message(name: &str, token: Option<&str>) -> String {
    open(name, token).expect_err("it is refused").to_string()
}

#[track_caller]
fn computes(device: &Device) {
    let x = Tensor::<1>::from_floats([1.0, 2.0, 4.0], device);
    let product: Vec<f32> = (x * 3.0).into_data().try_into_vec().expect("floats");
    assert_eq!(product, [3.0, 6.0, 12.0]);
}

#[test]
fn only_the_token_is_let_in_and_sigterm_ends_the_server_in_peace() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = token_file(folder.path(), TOKEN, 0o600);
    let serving = Serving::start(&["--listen=127.0.0.1:0", "--token-file", &token]);
    let name = serving.name.clone();
    let expected = format!("device `{name}`: its server asks for a token");
    assert_eq!(message(&name, None), expected);
    let expected = format!("device `{name}`: its server refuses the token");
    assert_eq!(message(&name, Some("wrong-horse-battery-staple")), expected);
    let second = format!("{name}/1");
    let expected = format!("device `{second}`: its server has /0 to /0");
    assert_eq!(message(&second, Some(TOKEN)), expected);
    computes(&open(&name, Some(TOKEN)).expect("the token is right"));
    assert_eq!(serving.stop(), Some(0));
    let gone = message(&name, Some("another-token-another-session"));
    assert!(
        gone.contains(&name) && gone.contains("no server there"),
        "{gone}"
    );
}

#[test]
fn without_a_token_only_this_machine_is_served() {
    for arguments in [
        &["--listen=0.0.0.0:0"][..],
        &["--listen=[::]:0"],
        &["--listen=192.0.2.1:3000"],
        &["--iroh=absent-key"],
    ] {
        let (said, code) = refused(arguments);
        assert_eq!(code, Some(2), "{said}");
        let expected = "without a token: expected a token, or a loopback address";
        assert!(said.contains(expected), "{said}");
    }
    assert!(!Path::new("absent-key").exists());
    let serving = Serving::start(&["--listen=127.0.0.1:0"]);
    computes(&open(&serving.name, None).expect("no token is needed"));
}

#[test]
fn a_token_that_others_can_read_is_warned_about() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = token_file(folder.path(), TOKEN, 0o644);
    let mut command = command(&["--listen=127.0.0.1:0", "--token-file", &token]);
    let started = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = started.expect("it starts");
    let out = child.stdout.take().expect("it is piped");
    let line = BufReader::new(out).lines().next().expect("a line");
    let line = line.expect("text");
    assert!(
        line.starts_with("serving flex as remote:127.0.0.1:"),
        "{line}"
    );
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let mut said = String::new();
    let mut err = child.stderr.take().expect("it is piped");
    err.read_to_string(&mut said).expect("text");
    assert!(said.starts_with("warning: "), "{said}");
    assert!(said.contains("others can read this token"), "{said}");
    assert!(!said.contains(TOKEN), "{said}");
}

#[test]
fn what_cannot_be_served_is_refused_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let short = token_file(folder.path(), "short", 0o600);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let busy = taken.local_addr().expect("an address").to_string();
    for (arguments, part, code) in [
        (
            &["--token-file", &short][..],
            "expected a token, one line of at least 16",
            1,
        ),
        (&["--token-file", "absent"], "absent: ", 1),
        (&["--listen", &busy], "listening on 127.0.0.1:", 1),
        (&["--device=flex,flex"], "device flex is listed twice", 2),
        (
            &["--device=remote:a:3000"],
            "expected one of this machine",
            2,
        ),
        (&["--device=tpu"], "expected one of flex", 2),
        (&["--listen=localhost"], "--listen", 2),
        (&["--iroh-port=1"], "--iroh", 2),
    ] {
        let (said, ended) = refused(arguments);
        assert_eq!(ended, Some(code), "{said}");
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn an_encrypted_server_is_reached_by_its_key_and_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = token_file(folder.path(), TOKEN, 0o600);
    let key = folder.path().join("key").display().to_string();
    let free = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port().to_string();
    drop(free);
    let arguments = ["--iroh", &key, "--iroh-port", &port, "--token-file", &token];
    let serving = Serving::start(&arguments);
    let name = serving.name.replace("ADDRESS", "127.0.0.1");
    let refusal = message(&name, Some("wrong-horse-battery-staple"));
    assert!(
        refusal.ends_with("its server refuses the token"),
        "{refusal}"
    );
    computes(&open(&name, Some(TOKEN)).expect("the token is right"));
    // The key stays, and with it the name.
    let first = serving.name.clone();
    assert_eq!(serving.stop(), Some(0));
    let again = Serving::start(&arguments);
    assert_eq!(again.name, first);
}
