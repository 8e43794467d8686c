//! The program as a user meets it: tasks, files of one's own, submissions, messages.

mod own;
mod program;
mod submission;
mod tasks;
