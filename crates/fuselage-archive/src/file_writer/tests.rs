use super::*;
use crate::tree::tests::file;

fn leaf(directory: u32, size: u64) -> Leaf {
    Leaf {
        directory,
        size,
        ..file()
    }
}

/// The directories and sizes of the files of each run.
fn runs_of(leaves: &[Leaf]) -> Vec<Vec<(u32, u64)>> {
    let mut files: Vec<&Leaf> = leaves.iter().collect();
    let facts = |run: &&[&Leaf]| run.iter().map(|leaf| (leaf.directory, leaf.size)).collect();
    runs(&mut files).iter().map(facts).collect()
}

#[test]
fn threads_share_the_large_files_of_a_directory() {
    let large = RUN_BYTES;
    let leaves = [leaf(1, large), leaf(1, large + 1), leaf(1, 1), leaf(1, 2)];
    let expected = [vec![(1, large + 1)], vec![(1, large)], vec![(1, 1), (1, 2)]];
    assert_eq!(runs_of(&leaves), expected);
}

#[test]
fn small_files_of_a_directory_are_written_in_a_row() {
    let leaves: Vec<Leaf> = (0..300).map(|number| leaf(number % 2, 1)).collect();
    let lengths: Vec<usize> = runs_of(&leaves).iter().map(Vec::len).collect();
    assert_eq!(lengths, [RUN, 150 - RUN, RUN, 150 - RUN]);
    assert!(runs_of(&leaves).iter().all(|run| {
        let (directory, _) = run[0];
        run.iter().all(|(other, _)| *other == directory)
    }));
}

#[test]
fn small_runs_are_in_the_order_of_their_directories() {
    let leaves = [leaf(3, 1), leaf(1, 2), leaf(4, RUN_BYTES + 1), leaf(2, 3)];
    let expected = [4, 1, 2, 3];
    let found = runs_of(&leaves)
        .iter()
        .map(|run| run[0].0)
        .collect::<Vec<_>>();
    assert_eq!(found, expected);
    // Holes are no work.
    let holes = Leaf {
        holes: RUN_BYTES * 2,
        ..leaf(1, RUN_BYTES * 2)
    };
    let leaves = [holes, leaf(2, RUN_BYTES + 1)];
    assert_eq!(runs_of(&leaves)[0], [(2, RUN_BYTES + 1)]);
}

#[test]
fn the_path_of_an_entry_is_its_own_wherever_the_last_one_was() {
    let limits = crate::Limits {
        entries: 100,
        bytes: 0,
        depth: 100,
        name_length: 100,
        ratio: 1,
    };
    let mut tree = Tree::new(&limits, 1);
    let paths = [
        "1",
        "a/1",
        "a/b/c/d/1",
        "a/b/c/2",
        "a/bc/1",
        "e/1",
        "2",
        "a/b/x/y/z",
    ];
    for path in paths {
        tree.add_leaf(path.as_bytes(), leaf(0, 0)).unwrap();
    }
    let mut at = At::default();
    for step in 1..paths.len() {
        for number in 0..paths.len() {
            let leaf = &tree.leaves[number * step % paths.len()];
            assert_eq!(at.path(&tree, leaf), tree.path(leaf));
        }
    }
}

#[test]
fn files_of_one_group_stay_together() {
    let grouped = |directory| Leaf {
        group: NonZeroU64::new(7),
        ..leaf(directory, RUN_BYTES)
    };
    let leaves = [grouped(1), leaf(1, 1), grouped(2)];
    let expected = [vec![(1, RUN_BYTES), (2, RUN_BYTES)], vec![(1, 1)]];
    assert_eq!(runs_of(&leaves), expected);
}
