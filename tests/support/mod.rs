//! What the test programs share: trees and their comparison, volumes in scratch folders, mounts, processes.
#![allow(dead_code, reason = "every test program uses its own part of this")]

pub(crate) mod manifest;
pub(crate) mod mount;
pub(crate) mod process;
pub(crate) mod rng;
pub(crate) mod scratch;
pub(crate) mod tree;
