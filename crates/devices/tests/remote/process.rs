//! Servers and clients in processes of their own: this test's executable, started again.

use std::io::{BufRead, BufReader, Lines};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};

use burn::tensor::{Device, Distribution, Tensor};
use devices::{DeviceName, Transport};

pub(crate) const TOKEN: &str = "correct-horse-battery-staple";
/// What a client that holds tensors is to open.
const DEVICE: &str = "TEST_CLIENT_OF";

/// Another process, killed when it goes out of scope.
pub(crate) struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts one of the tests below.
    fn start(test: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", test, "--ignored", "--nocapture"]);
        command.envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { child, lines }
    }

    /// What follows this word in the line that has it.
    fn word_after(&mut self, word: &str) -> String {
        loop {
            let line = self.lines.next().expect("it is said").expect("text");
            if let Some((_, after)) = line.split_once(word) {
                return after.to_owned();
            }
        }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Resident memory in MiB.
    pub(crate) fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kib.expect("a number").parse::<usize>().expect("a number") / 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server of flex.
pub(crate) struct Server {
    pub(crate) process: Process,
    /// What a client passes to `--device`.
    pub(crate) name: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut process = Process::start("process::as_a_server", &[(DEVICE, "none")]);
        let name = format!("remote:{}", process.word_after("serving on "));
        Self { process, name }
    }

    pub(crate) fn device(&self) -> Device {
        let name: DeviceName = self.name.parse().expect("a name");
        devices::open(&name, Some(TOKEN)).expect("it answers")
    }
}

#[test]
#[ignore = "the others start it"]
fn as_a_server() {
    if std::env::var_os(DEVICE).is_none() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    println!("serving on {address}");
    let server = devices::Server::new(vec![Device::flex()], Some(TOKEN)).expect("a token");
    server
        .serve(Transport::Websocket(listener))
        .expect("it serves until it is killed");
}

/// A client that holds 128 MiB on the server.
pub(crate) fn holding(name: &str) -> Process {
    let mut process = Process::start("process::as_a_client", &[(DEVICE, name)]);
    process.word_after("holding");
    process
}

#[test]
#[ignore = "the others start it"]
fn as_a_client() {
    let Ok(name) = std::env::var(DEVICE) else {
        return;
    };
    let name: DeviceName = name.parse().expect("a name");
    let device = devices::open(&name, Some(TOKEN)).expect("it answers");
    let held = Tensor::<1>::random([32 << 20], Distribution::Default, &device);
    device.sync().expect("it answers");
    println!("holding");
    std::thread::sleep(std::time::Duration::from_secs(600));
    drop(held);
}
