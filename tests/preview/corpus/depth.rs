//! How deep the lake is.

/// Half of the rope, since it is doubled.
pub fn depth(rope: u32) -> Option<u32> {
    // a rope of no length measures nothing
    if rope == 0 { return None; }
    let text = "half";
    println!("{text}: {}", rope / 2);
    Some(rope / 2)
}
