//! What travels of the local index: every row, in the order of a root.

use super::Error;
use super::model::{Detail, seconds, split};
use crate::index::{RowId, Rows};
use std::collections::HashSet;
use std::hash::Hash;
use std::os::unix::ffi::OsStringExt;
use std::rc::Rc;

/// Characters of a title that travel.
const TITLE_LEN: usize = 120;
/// Characters of the beginning of a text: two lines on a phone.
const SNIPPET_LEN: usize = 120;

/// One entry.
pub(super) struct Row {
    /// Plaintext, with no slash in front; the root is empty.
    pub(super) folder: Rc<[u8]>,
    pub(super) name: Box<[u8]>,
    pub(super) kind: Rc<str>,
    pub(super) size: u64,
    /// Seconds since 1970.
    pub(super) mtime: i64,
    /// [`Flags::bits`](crate::index::Flags::bits).
    pub(super) flags: u64,
    /// Empty if the file calls itself nothing.
    pub(super) title: Box<str>,
    pub(super) detail: Detail,
    /// Where its picture is to be had, if it has one.
    pub(super) picture: Option<RowId>,
}

/// All rows: the entries of a folder together, and folders before what is in them.
pub(super) fn sorted(rows: &Rows<'_>) -> Result<Vec<Row>, Error> {
    let (mut folders, mut kinds) = (HashSet::new(), HashSet::new());
    let row = |id| {
        let entry = rows.get(id)?;
        let path = entry.path.to_path().into_os_string().into_vec();
        let (folder, name) = split(&path);
        Ok(Row {
            folder: shared(&mut folders, folder),
            name: name.into(),
            kind: shared(&mut kinds, &*entry.kind),
            size: entry.size,
            mtime: seconds(entry.mtime),
            flags: entry.flags.bits(),
            title: beginning(entry.title.as_deref().unwrap_or_default(), TITLE_LEN),
            picture: entry.thumbnail.is_some().then_some(id),
            detail: Detail {
                // that of a folder is a matter of the disk
                cipher_size: if entry.kind == crate::index::FOLDER { 0 } else { entry.cipher_size },
                cipher_path: entry.cipher_path,
                content_hash: entry.content_hash,
                snippet: beginning(&entry.snippet, SNIPPET_LEN),
            },
        })
    };
    let mut list = rows.ids().map(row).collect::<Result<Vec<Row>, Error>>()?;
    list.sort_unstable_by(|a, b| (&a.folder, &a.name).cmp(&(&b.folder, &b.name)));
    Ok(list)
}

/// The same value once for all who have it.
fn shared<T: ?Sized + Hash + Eq>(known: &mut HashSet<Rc<T>>, value: &T) -> Rc<T>
where
    Rc<T>: for<'a> From<&'a T>,
{
    if let Some(known) = known.get(value) {
        return Rc::clone(known);
    }
    let new = Rc::from(value);
    known.insert(Rc::clone(&new));
    new
}

fn beginning(text: &str, max: usize) -> Box<str> {
    text.char_indices().nth(max).map_or(text, |(end, _)| &text[..end]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_ends_between_characters() {
        assert_eq!(&*beginning("größer", 4), "größ");
        assert_eq!((&*beginning("größ", 4), &*beginning("", 4)), ("größ", ""));
    }

    #[test]
    fn equal_values_are_kept_once() {
        let mut known = HashSet::new();
        let (one, other) = (shared::<str>(&mut known, "a"), shared::<str>(&mut known, "b"));
        assert!(Rc::ptr_eq(&one, &shared(&mut known, "a")) && !Rc::ptr_eq(&one, &other));
    }
}
