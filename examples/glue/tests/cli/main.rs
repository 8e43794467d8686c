//! The program as a user meets it: tasks, files of one's own, submissions, messages.

#[cfg(target_os = "linux")]
mod hostile;
mod own;
mod program;
mod submission;
mod tasks;
