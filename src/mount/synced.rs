//! Which folders sync clients keep in step: by what they leave there, by what they say in their settings, and by where
//! a system has all of them.

use std::fmt;
use std::fs;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

/// Settings of clients are small.
const MAX_SETTINGS_LEN: u64 = 1 << 20;

/// A folder that a sync client keeps in step with other machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncedFolder {
    /// The folder.
    pub folder: PathBuf,
    /// The client, as people call it.
    pub client: &'static str,
    /// What gives the folder away.
    sign: Sign,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Sign {
    /// It holds an entry of this name.
    Holds(String),
    /// This file says so.
    Settings(PathBuf),
    /// The system keeps such folders there.
    Place,
}

impl fmt::Display for SyncedFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, which {} keeps in step", self.folder.display(), self.client)?;
        match &self.sign {
            Sign::Holds(name) => write!(f, " (it holds {name})"),
            Sign::Settings(path) => write!(f, " ({} says so)", path.display()),
            Sign::Place => Ok(()),
        }
    }
}

/// The synced folder that a path, which exists, lies in; the innermost, if there are several.
pub fn synced_folder(path: &Path) -> Option<SyncedFolder> {
    within(path, std::env::var_os("HOME").map(PathBuf::from).as_deref())
}

fn within(path: &Path, home: Option<&Path>) -> Option<SyncedFolder> {
    let path = path.canonicalize().ok()?;
    let known = home.map_or_else(Vec::new, known_folders);
    path.ancestors().find_map(|folder| {
        let by_name = marker(folder).map(|(client, name)| (client, Sign::Holds(name)));
        let (client, sign) = by_name.or_else(|| {
            let known = known.iter().find(|known| same(&known.folder, folder))?;
            Some((known.client, known.sign.clone()))
        })?;
        Some(SyncedFolder { folder: folder.to_owned(), client, sign })
    })
}

/// Whether two paths lead to one folder.
pub(super) fn same(a: &Path, b: &Path) -> bool {
    let id = |path| fs::metadata(path).map(|found: Metadata| (found.dev(), found.ino()));
    matches!((id(a), id(b)), (Ok(a), Ok(b)) if a == b)
}

/// What a client leaves at the top of the folder that it keeps in step.
fn marker(folder: &Path) -> Option<(&'static str, String)> {
    /// What stands there has to be a file, a folder, or a folder with a file of this name in it.
    enum Form {
        File,
        Folder,
        Any,
        With(&'static str),
    }
    const MARKERS: [(&str, &str, Form); 15] = [
        // in the home directory a folder of that name holds Dropbox's settings
        (".dropbox", "Dropbox", Form::File),
        (".dropbox.cache", "Dropbox", Form::Folder),
        (".stfolder", "Syncthing", Form::Any),
        (".nextcloudsync.log", "Nextcloud", Form::File),
        (".owncloudsync.log", "ownCloud", Form::File),
        (".tmp.drivedownload", "Google Drive", Form::Folder),
        (".tmp.driveupload", "Google Drive", Form::Folder),
        (".megaignore", "MEGA", Form::File),
        (".debris", "MEGA", Form::Folder),
        (".sync", "Resilio Sync", Form::With("ID")),
        (".SyncID", "BitTorrent Sync", Form::File),
        (".tresorit", "Tresorit", Form::Folder),
        ("seafile-ignore.txt", "Seafile", Form::File),
        (".849C9593-D756-4E56-8D6E-42412F2A707B", "OneDrive", Form::Any),
        (".mignore", "Maestral", Form::File),
    ];
    for (name, client, form) in MARKERS {
        let Ok(found) = fs::symlink_metadata(folder.join(name)) else { continue };
        let is_it = match form {
            Form::File => found.is_file(),
            Form::Folder => found.is_dir(),
            Form::Any => true,
            Form::With(inner) => found.is_dir() && folder.join(name).join(inner).is_file(),
        };
        if is_it {
            return Some((client, name.to_owned()));
        }
    }
    // each account has a database of its own
    let names = fs::read_dir(folder).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let is_database =
        |name: &String| (name.starts_with(".sync_") || name.starts_with("._sync_")) && name.ends_with(".db");
    names.into_iter().find(is_database).map(|name| ("Nextcloud", name))
}

/// The folders that the settings in a home directory name, and those that a system keeps there.
fn known_folders(home: &Path) -> Vec<SyncedFolder> {
    let mut known = Vec::new();
    let mut add = |client, folder: PathBuf, sign| known.push(SyncedFolder { folder, client, sign });

    let dropbox = home.join(".dropbox/info.json");
    if let Some(info) = settings(&dropbox).and_then(|text| serde_json::from_str(&text).ok()) {
        for folder in dropbox_folders(&info) {
            add("Dropbox", folder, Sign::Settings(dropbox.clone()));
        }
    }
    let onedrive = home.join(".config/onedrive/config");
    let stated = settings(&onedrive).and_then(|text| value_of(&text, "sync_dir", home));
    match stated {
        Some(folder) => add("OneDrive", folder, Sign::Settings(onedrive)),
        // where the client syncs to that was told nothing else
        None if home.join(".config/onedrive/refresh_token").exists() => {
            add("OneDrive", home.join("OneDrive"), Sign::Place);
        }
        None => {}
    }
    for place in [".config/maestral", "Library/Application Support/maestral"] {
        for file in entries(&home.join(place)).filter(|file| file.extension().is_some_and(|end| end == "ini"))
        {
            if let Some(folder) = settings(&file).and_then(|text| value_of(&text, "path", home)) {
                add("Maestral", folder, Sign::Settings(file));
            }
        }
    }
    add("iCloud Drive", home.join("Library/Mobile Documents"), Sign::Place);
    // Dropbox, Google Drive, OneDrive, Box and others, since macOS 12.3
    for folder in entries(&home.join("Library/CloudStorage")) {
        add("a sync client", folder, Sign::Place);
    }
    known
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn settings(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    (metadata.is_file() && metadata.len() <= MAX_SETTINGS_LEN).then(|| fs::read_to_string(path).ok())?
}

/// `{"personal": {"path": "/home/ann/Dropbox", …}, "business": {…}}`
fn dropbox_folders(info: &serde_json::Value) -> Vec<PathBuf> {
    let accounts = info.as_object().into_iter().flatten();
    accounts.filter_map(|(_, account)| account["path"].as_str()).map(PathBuf::from).collect()
}

/// `key = "value"` in a file of such lines, with or without quotes; `~/` is the home directory.
fn value_of(text: &str, key: &str, home: &Path) -> Option<PathBuf> {
    let value = text.lines().find_map(|line| {
        let (found, value) = line.split_once('=')?;
        (found.trim() == key).then(|| value.trim().trim_matches(['"', '\'']))
    })?;
    let path = match value.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None => PathBuf::from(value),
    };
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A home with this file in it, and a folder `kept/inner` beside it.
    fn home_with(file: &str, text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let path = folder.path().join("home").join(file);
        fs::create_dir_all(path.parent().expect("in the home")).expect("fresh folders");
        fs::create_dir_all(folder.path().join("kept/inner")).expect("fresh folders");
        fs::write(path, text.replace("KEPT", folder.path().join("kept").to_str().expect("UTF-8")))
            .expect("written");
        folder
    }

    #[test]
    fn settings_name_folders() {
        for (file, text, client) in [
            (
                ".dropbox/info.json",
                r#"{"personal": {"path": "/elsewhere", "host": 1}, "business": {"path": "KEPT"}}"#,
                "Dropbox",
            ),
            (".config/onedrive/config", "# a comment\nsync_dir = \"KEPT\"\n", "OneDrive"),
            (".config/maestral/maestral.ini", "[sync]\npath = KEPT\n", "Maestral"),
        ] {
            let folder = home_with(file, text);
            let home = folder.path().join("home");
            let found = within(&folder.path().join("kept/inner"), Some(&home)).expect(client);
            assert_eq!(found.client, client);
            assert!(found.to_string().contains(file), "{found}");
            assert_eq!(within(&home, Some(&home)), None);
        }
    }

    #[test]
    fn settings_that_make_no_sense_name_nothing() {
        for text in ["", "{", "[]", "{\"personal\": 5}", "{\"personal\": {\"path\": 5}}", "\0"] {
            let folder = home_with(".dropbox/info.json", text);
            let home = folder.path().join("home");
            assert_eq!(within(&folder.path().join("kept"), Some(&home)), None, "{text}");
        }
    }

    #[test]
    fn places_of_the_system() {
        for place in
            ["Library/Mobile Documents/com~apple~CloudDocs", "Library/CloudStorage/Dropbox/x", "OneDrive/x"]
        {
            let folder = home_with(".config/onedrive/refresh_token", "");
            let home = folder.path().join("home");
            fs::create_dir_all(home.join(place)).expect("fresh folders");
            assert!(within(&home.join(place), Some(&home)).is_some(), "{place}");
            assert_eq!(within(&home.join("Library/.."), Some(&home)), None, "{place}");
        }
    }

    #[test]
    fn what_clients_leave_behind() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        fs::create_dir(folder.path().join("inner")).expect("a fresh folder");
        let inner = folder.path().join("inner");
        for (name, is_dir) in [
            (".dropbox", false),
            (".dropbox.cache", true),
            (".stfolder", true),
            (".stfolder", false),
            (".sync_0a1b2c.db", false),
            ("._sync_0a1b2c.db", false),
            (".owncloudsync.log", false),
            (".tmp.drivedownload", true),
            (".debris", true),
            (".tresorit", true),
            ("seafile-ignore.txt", false),
        ] {
            assert_eq!(within(&inner, None), None);
            let marker = folder.path().join(name);
            if is_dir { fs::create_dir(&marker) } else { fs::write(&marker, "") }.expect("a fresh marker");
            let found = within(&inner, None).expect(name);
            assert!(found.to_string().contains(name), "{found}");
            if is_dir { fs::remove_dir(&marker) } else { fs::remove_file(&marker) }.expect("it is there");
        }
        fs::create_dir(folder.path().join(".sync")).expect("a fresh folder");
        assert_eq!(within(&inner, None), None, "a folder that anybody may call so");
        fs::write(folder.path().join(".sync/ID"), "").expect("written");
        assert_eq!(within(&inner, None).expect("Resilio's").client, "Resilio Sync");
    }

    #[test]
    fn the_settings_of_dropbox_are_no_marker() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        fs::create_dir(folder.path().join(".dropbox")).expect("a fresh folder");
        assert_eq!(within(folder.path(), None), None);
    }
}
