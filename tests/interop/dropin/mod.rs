//! `encfs` and `encfsctl` of EncFS 1.9.5 beside encbox under these names: the same command lines, the same answers,
//! and what comes of it.

mod creating;
mod ctl;
mod front_ends;
mod mounting;
mod refusing;
mod side;
mod terminal;
