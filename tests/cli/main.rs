//! The program as scripts and people meet it: command lines in; output, files and exit codes out. One file per
//! command, and `bad_input` for what goes wrong.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod bad_input;
mod cat;
mod check;
mod config;
mod conflicts;
mod encode;
mod export;
mod fstab;
mod import;
#[cfg(feature = "index")]
mod index;
#[cfg(feature = "index")]
mod indexing;
mod info;
mod key;
mod ls;
mod manual;
mod mkdir;
mod mount;
mod mounts;
mod mv;
mod new;
mod notify;
mod on_demand;
mod partial;
mod passwd;
mod password;
#[cfg(feature = "preview")]
mod preview;
mod repair;
mod rm;
mod service;
mod speed;
mod support;
mod transfer;
#[cfg(feature = "index")]
mod travel;
mod tree;
mod unmount;
mod untar;
mod verify;
