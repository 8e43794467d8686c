//! The hub's answers: `hub`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Mutex, OnceLock};
use std::thread;

use hub::{Hub, Kind, Repository};

use super::{Target, refused, target};
use crate::mutation::Form;

/// Between the answers of an input.
const BETWEEN: &[u8] = b"\n----\n";

/// What is answered to the next requests, the next one last.
static ANSWERS: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// What a server answers when it is asked for a branch, for a file's metadata, and for the file, each with its headers.
pub(super) const HUB: Target = Target {
    // Buffers of connections.
    per_byte: 2_000,
    ..target(
        "hub",
        Form::Lines,
        |_| {},
        |folder, bytes| {
            static SERVER: OnceLock<String> = OnceLock::new();
            let endpoint = SERVER.get_or_init(serve);
            let mut answers = Vec::new();
            let mut rest = bytes;
            while let Some(end) = rest.windows(BETWEEN.len()).position(|part| part == BETWEEN) {
                answers.push(rest[..end].to_vec());
                rest = &rest[end + BETWEEN.len()..];
            }
            answers.push(rest.to_vec());
            answers.reverse();
            *ANSWERS.lock().expect("no panic while it is locked") = answers;
            let cache = folder.join("home/hub");
            let _ = fs::remove_dir_all(&cache);
            let hub = Hub::at(endpoint, &cache).expect("an address");
            let repository = Repository::parse(Kind::Model, "mini/bert").expect("a name");
            let mut messages = Vec::new();
            refused(
                &mut messages,
                hub.snapshot(&repository, &["config.json"], &mut ()),
            );
            // The cache alone has changed: one folder, for the repository that was asked for.
            let entries = fs::read_dir(folder.join("home")).into_iter().flatten();
            assert!(entries.flatten().all(|entry| entry.file_name() == "hub"));
            let entries = fs::read_dir(&cache).into_iter().flatten();
            let is_its_own = |name: &std::ffi::OsStr| name == "models--mini--bert";
            assert!(
                entries
                    .flatten()
                    .all(|entry| is_its_own(&entry.file_name()))
            );
            messages
        },
    )
};

/// Answers on a local port until the process ends.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = ANSWERS.lock().ok().and_then(|mut answers| answers.pop());
            // A client that hangs up is its own concern.
            let _ = answer_with(&stream, &answer.unwrap_or_default());
            let _ = stream.shutdown(Shutdown::Both);
        }
    });
    format!("http://{address}")
}

fn answer_with(mut stream: &TcpStream, answer: &[u8]) -> std::io::Result<()> {
    for line in BufReader::new(stream).lines() {
        if line?.is_empty() {
            break;
        }
    }
    stream.write_all(answer)
}
