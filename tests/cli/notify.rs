//! What a service manager is told, over a datagram socket as systemd has it.
#![cfg(all(feature = "mount", target_os = "linux"))]

use crate::support::*;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

fn next(socket: &UnixDatagram) -> String {
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut text = [0; 4096];
    let len = socket.recv(&mut text).unwrap();
    String::from_utf8(text[..len].to_vec()).unwrap()
}

#[test]
fn ready_when_it_is_mounted_and_stopping_when_it_ends() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    let path = scratch.path("notify");
    let abstract_name = format!("encbox-test-{}", std::process::id());
    let sockets = [
        (UnixDatagram::bind(&path).unwrap(), path.to_str().unwrap().to_owned()),
        (
            UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&abstract_name).unwrap()).unwrap(),
            format!("@{abstract_name}"),
        ),
    ];
    for (socket, name) in sockets {
        let mut command = scratch.command(&["mount", "--foreground", "V", "M"]);
        let mut daemon = command.env("NOTIFY_SOCKET", &name).spawn().unwrap();
        let ready = next(&socket);
        assert!(mounted.is_mounted(), "ready, and not mounted");
        assert!(ready.starts_with("READY=1\nSTATUS=") && ready.contains("serving"), "{ready}");
        assert!(
            scratch
                .bare_command("kill")
                .args(["-TERM", &daemon.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
        assert!(next(&socket).starts_with("STOPPING=1\nSTATUS="));
        assert_eq!(daemon.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn locking_and_unlocking_are_told() {
    let Some(mounted) = Mounted::new() else { return };
    let scratch = &mounted.0;
    let path = scratch.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut command = scratch.command(&["mount", "--foreground", "--on-demand", "--idle", "0.02", "V", "M"]);
    let mut daemon = command.env("NOTIFY_SOCKET", &path).spawn().unwrap();
    assert!(next(&socket).contains("locked"));
    assert!(std::fs::read_dir(scratch.path("M")).is_ok());
    assert!(next(&socket).contains("serving"));
    assert!(next(&socket).contains("locked"));
    scratch.run(&["unmount", "--wait", "10", "M"]).ok();
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
}

/// The background process is not the one that a manager has started.
#[test]
fn in_the_background_nothing_is_told() {
    let Some(mounted) = Mounted::new() else { return };
    let path = mounted.0.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut command = mounted.0.command(&["mount", "V", "M"]);
    command.env("NOTIFY_SOCKET", &path);
    run(command, b"").ok();
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv(&mut [0; 10]).is_err());
}
