//! The volume, one file per group of operations, on parameter sets that differ in all that matters.

#![allow(clippy::print_stdout)] // what is skipped says so
#![allow(unreachable_pub)] // what tests share has no other way to be shared

mod conflicts;
mod contents;
mod damage;
mod drafts;
mod entries;
#[cfg(target_os = "linux")]
mod foreign;
mod links;
mod names;
mod opening;
mod rename;
#[path = "../support/volumes.rs"]
mod scratch;
mod space;
