//! The program as a user meets it: exit codes, messages, files.

mod bad_input;
mod bad_out;
mod bench;
mod devices;
mod families;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod gpu_bench;
#[cfg(target_os = "linux")]
mod hostile;
#[cfg(unix)]
mod interrupts;
mod program;
mod runs;
mod saved;
mod shards;
#[cfg(target_os = "linux")]
mod soak;
mod sources;
