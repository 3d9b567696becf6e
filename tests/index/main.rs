//! The index: what is found, what is read again, and what nobody can read without the key.

#![cfg(unix)]
#![allow(unreachable_pub)] // what tests share has no other way to be shared

mod asking;
mod damage;
mod library;
mod scanning;
#[path = "../support/volumes.rs"]
mod scratch;
mod secrecy;
mod travelling;
