//! Syncthing as it comes from Debian, on the loopback interface and without a word to anybody else.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A sync client on one machine.
pub(crate) struct Client {
    home: PathBuf,
    /// As Syncthing names machines.
    id: String,
    port: u16,
    folder: PathBuf,
    running: Option<Child>,
}

impl Client {
    /// A client that will keep `folder`.
    pub(crate) fn new(home: &Path, folder: &Path) -> Client {
        let made =
            Command::new("syncthing").arg("generate").arg("--no-default-folder").arg(home_of(home)).output();
        assert!(made.as_ref().is_ok_and(|made| made.status.success()), "{made:?}");
        let id = Command::new("syncthing").arg(home_of(home)).arg("--device-id").output().unwrap();
        let id = String::from_utf8(id.stdout).unwrap().trim().to_owned();
        assert!(!id.is_empty());
        // free a moment later, too, as far as anybody can know
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Client { home: home.to_owned(), id, port, folder: folder.to_owned(), running: None }
    }

    /// Tells two clients of each other, and of what they share.
    pub(crate) fn introduce(clients: &[Client; 2]) {
        let device = |client: &Client| {
            format!(
                "<device id=\"{}\"><address>tcp://127.0.0.1:{}</address></device>\n",
                client.id, client.port
            )
        };
        let devices: String = clients.iter().map(device).collect();
        let shared: String = clients.iter().map(|client| format!("<device id=\"{}\"/>", client.id)).collect();
        for Client { home, port, folder, .. } in clients {
            // what a watcher misses is not made up for by a scan: there is none within the hour
            let config = format!(
                "<configuration version=\"36\">
{devices}<folder id=\"volume\" path=\"{}\" type=\"sendreceive\" rescanIntervalS=\"3600\" fsWatcherEnabled=\"true\" \
                 fsWatcherDelayS=\"1\">{shared}<maxConflicts>10</maxConflicts></folder>
<gui enabled=\"false\"/>
<options>
<listenAddress>tcp://127.0.0.1:{port}</listenAddress>
<globalAnnounceEnabled>false</globalAnnounceEnabled>
<localAnnounceEnabled>false</localAnnounceEnabled>
<relaysEnabled>false</relaysEnabled>
<natEnabled>false</natEnabled>
<startBrowser>false</startBrowser>
<urAccepted>-1</urAccepted>
<autoUpgradeIntervalH>0</autoUpgradeIntervalH>
<crashReportingEnabled>false</crashReportingEnabled>
<reconnectionIntervalS>1</reconnectionIntervalS>
</options>
</configuration>
",
                folder.display()
            );
            fs::write(home.join("config.xml"), config).unwrap();
        }
    }

    pub(crate) fn start(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.home.join("log")).unwrap();
        let mut command = Command::new("syncthing");
        command
            .arg("serve")
            .arg("--no-browser")
            .arg("--no-restart")
            .arg("--no-upgrade")
            .arg(home_of(&self.home));
        let started = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn();
        self.running = Some(started.unwrap());
        crate::wait_for("the client listens", || self.listens());
    }

    fn listens(&self) -> bool {
        TcpStream::connect_timeout(&([127, 0, 0, 1], self.port).into(), Duration::from_secs(1)).is_ok()
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            let asked = Command::new("kill").arg(running.id().to_string()).status();
            assert!(asked.is_ok_and(|asked| asked.success()));
            running.wait().unwrap();
            // the one that was started has started another, which takes a moment more
            crate::wait_for("the client is gone", || !self.listens());
        }
    }

    /// What it said, for somebody who wonders.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop();
    }
}

fn home_of(home: &Path) -> String {
    format!("--home={}", home.display())
}
