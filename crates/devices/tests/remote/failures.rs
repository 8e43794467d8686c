//! Servers that refuse, are not there, or end.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use burn::tensor::Device;
use devices::DeviceName;
use finetune::FinetuneError;
use finetune::progress::Progress;
use finetune::trainer::Step;
use study::Precision;
use study::plan::RunKey;

use crate::process::{Process, Server, TOKEN, holding};
use crate::training::results;
use crate::world;

#[track_caller]
fn refusal(name: &str, token: Option<&str>) -> String {
    let name: DeviceName = name.parse().expect("a name");
    let asked = Instant::now();
    let error = devices::open(&name, token).expect_err("it is refused");
    assert!(
        asked.elapsed() < Duration::from_secs(12),
        "{:?}",
        asked.elapsed()
    );
    let message = error.to_string();
    assert!(
        message.starts_with(&format!("device `{name}`: ")),
        "{message}"
    );
    assert!(!message.contains('\n'), "{message}");
    message
}

#[test]
fn without_the_token_nothing_is_served() {
    let server = Server::start();
    assert!(refusal(&server.name, None).ends_with("its server asks for a token"));
    let wrong = refusal(&server.name, Some("wrong-horse-battery-staple"));
    assert!(wrong.ends_with("its server refuses the token"), "{wrong}");
    server.device();
}

#[test]
fn an_address_without_a_server_is_named_within_ten_seconds() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address");
    // It accepts connections, and never answers.
    let silent = refusal(&format!("remote:{address}"), Some(TOKEN));
    assert!(silent.ends_with("no answer within 10 seconds"), "{silent}");
    drop(free);
    let gone = refusal(
        &format!("remote:{address}"),
        Some("yet-another-secret-token"),
    );
    assert!(gone.contains("no server there: "), "{gone}");
    let unknown = refusal("remote:no-such-host.invalid:3000", None);
    assert!(unknown.contains("no server there: "), "{unknown}");
}

/// Kills a server after some steps.
struct Killing<'a> {
    server: &'a mut Process,
    steps: usize,
}

impl Progress for Killing<'_> {
    fn step(&mut self, _: &RunKey, _: &Step) {
        self.steps += 1;
        if self.steps == 40 {
            self.server.kill();
        }
    }
}

#[test]
fn a_study_whose_server_is_killed_ends_with_its_name_and_continues_with_the_same_results() {
    let (data, out, whole) = (
        tempfile::tempdir(),
        tempfile::tempdir(),
        tempfile::tempdir(),
    );
    let [data, out, whole] = [data, out, whole].map(|folder| folder.expect("a folder"));
    // One name for all, as of a server that comes back on its port: a process keeps what it knows of an address.
    let study = |device: &Device| {
        let study = world::study(data.path(), device, "remote:gpu:3000", Precision::F32);
        study.expect("it opens").with_checkpoints(Duration::ZERO)
    };
    study(&Device::flex())
        .run(whole.path(), &mut ())
        .expect("it runs");

    let mut server = Server::start();
    let device = server.device();
    let mut killing = Killing {
        server: &mut server.process,
        steps: 0,
    };
    let started = Instant::now();
    let error = study(&device).run(out.path(), &mut killing);
    let error = error.expect_err("the server is gone");
    assert!(started.elapsed() < Duration::from_secs(30));
    assert!(matches!(error, FinetuneError::Lost { .. }), "{error:?}");
    let message = error.to_string();
    assert!(
        message.starts_with("device `remote:gpu:3000` is lost: "),
        "{message}"
    );
    assert!(!message.contains('\n'), "{message}");
    assert_eq!(
        results(out.path()).len(),
        1,
        "the first of two runs had ended"
    );
    assert!(
        out.path().join("checkpoints").exists(),
        "the second had begun"
    );

    let server = Server::start();
    study(&server.device())
        .run(out.path(), &mut ())
        .expect("it continues");
    assert_eq!(results(out.path()), results(whole.path()));
}

#[test]
fn a_client_that_dies_leaves_nothing_on_the_server() {
    let server = Server::start();
    let before = server.process.memory();
    let mut client = holding(&server.name);
    let held = server.process.memory();
    assert!(held >= before + 120, "{before} MiB, then {held} MiB");
    client.kill();
    let killed = Instant::now();
    while server.process.memory() > before + 60 {
        let now = server.process.memory();
        assert!(
            killed.elapsed() < Duration::from_secs(10),
            "{before} MiB, now {now} MiB"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    server.device();
}
