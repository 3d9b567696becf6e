//! What people see of their files: a corpus with what each file has to look like, files that mean harm, and files of
//! which only the beginning is there. Damaged files have a program of their own (`mutations.rs`).
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod bombs;
mod clock;
mod corpus;
mod heads;
mod hostile;
mod pdf_bombs;
mod samples;
mod whole;
