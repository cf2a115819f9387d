//! Merging a task's inputs by time, as Kafka Streams does: offset order within a partition, and between partitions
//! always the one whose next record is the oldest.

/// How many rows of each input a step takes, and the number (`seq`) of each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Merged {
    /// For every input, the numbers of the rows it gives: its first rows, as many as there are numbers.
    pub(super) seq: Vec<Vec<u64>>,
    /// Rows in the step.
    pub(super) rows: u64,
}

/// What the merge knows of an input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    /// Event times of the rows at hand, in offset order.
    pub(super) times: &'a [i64],
    /// Whether more may be in the log: then the step ends where the rows at hand end, because the next one may be older
    /// than what the other inputs have.
    pub(super) more: bool,
}

/// Takes up to `limit` rows. Of equal times the input that comes first wins.
pub(super) fn merge(inputs: &[Head<'_>], limit: usize) -> Merged {
    let mut seq: Vec<Vec<u64>> = inputs.iter().map(|_| Vec::new()).collect();
    let mut rows = 0_u64;
    if let [only] = inputs {
        let count = only.times.len().min(limit) as u64;
        return Merged { seq: vec![(0..count).collect()], rows: count };
    }
    while (rows as usize) < limit {
        if inputs.iter().zip(&seq).any(|(input, taken)| input.more && taken.len() >= input.times.len()) {
            break;
        }
        let heads = inputs.iter().zip(&seq).enumerate();
        let oldest = heads.filter_map(|(i, (input, taken))| Some((*input.times.get(taken.len())?, i))).min();
        let Some((_, oldest)) = oldest else { break };
        if let Some(taken) = seq.get_mut(oldest) {
            taken.push(rows);
        }
        rows += 1;
    }
    Merged { seq, rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_head_goes_first_and_offsets_stay_in_order() {
        let left = Head { times: &[5, 1, 9], more: false };
        let right = Head { times: &[2, 6], more: false };
        // 2(right) 5(left) 1(left) 6(right) 9(left)
        assert_eq!(merge(&[left, right], 100), Merged { seq: vec![vec![1, 2, 4], vec![0, 3]], rows: 5 });
    }

    #[test]
    fn a_step_waits_for_an_input_that_may_have_older_rows() {
        let left = Head { times: &[1, 2], more: true };
        let right = Head { times: &[10, 11], more: false };
        assert_eq!(merge(&[left, right], 100), Merged { seq: vec![vec![0, 1], vec![]], rows: 2 });
        let nothing_left = Head { times: &[], more: false };
        assert_eq!(merge(&[nothing_left, right], 1), Merged { seq: vec![vec![], vec![0]], rows: 1 });
    }
}
