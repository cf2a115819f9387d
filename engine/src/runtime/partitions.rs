//! Merging a task's inputs by time, as Kafka Streams does: offset order within a partition, and between partitions
//! always the one whose next record is the oldest. Of equally old ones the partition that has waited longest comes first.

/// How many rows of each input a step takes, and the number (`seq`) of each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Merged {
    /// For every input, the numbers of the rows it gives: its first rows, as many as there are numbers.
    pub(super) seq: Vec<Vec<u64>>,
    /// Rows in the step.
    pub(super) rows: u64,
    /// For every input, its [`Head::turn`] after the step.
    pub(super) turns: Vec<u64>,
}

/// What the merge knows of an input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    /// Event times of the rows at hand, in offset order.
    pub(super) times: &'a [i64],
    /// Whether more may be in the log: then the step ends where the rows at hand end, because the next one may be older
    /// than what the other inputs have. (Kafka Streams waits alike where `max.task.idle.ms` is 0: KIP-695.)
    pub(super) more: bool,
    /// When it gave its last row: the higher, the later; 0 is never.
    pub(super) turn: u64,
}

/// Takes up to `limit` rows.
pub(super) fn merge(inputs: &[Head<'_>], limit: usize) -> Merged {
    let mut seq: Vec<Vec<u64>> = inputs.iter().map(|_| Vec::new()).collect();
    let mut rows = 0_u64;
    if let [only] = inputs {
        let count = only.times.len().min(limit) as u64;
        return Merged { seq: vec![(0..count).collect()], rows: count, turns: vec![0] };
    }
    let mut turns: Vec<u64> = inputs.iter().map(|input| input.turn).collect();
    let mut turn = turns.iter().copied().max().unwrap_or_default();
    while (rows as usize) < limit {
        if inputs.iter().zip(&seq).any(|(input, taken)| input.more && taken.len() >= input.times.len()) {
            break;
        }
        let heads = inputs.iter().zip(&seq).zip(&turns).enumerate();
        let oldest =
            heads.filter_map(|(i, ((input, taken), turn))| Some((*input.times.get(taken.len())?, *turn, i))).min();
        let Some((_, _, oldest)) = oldest else { break };
        if let (Some(taken), Some(last)) = (seq.get_mut(oldest), turns.get_mut(oldest)) {
            turn += 1;
            *last = turn;
            taken.push(rows);
        }
        rows += 1;
    }
    Merged { seq, rows, turns }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(times: &[i64], more: bool) -> Head<'_> {
        Head { times, more, turn: 0 }
    }

    #[test]
    fn the_oldest_head_goes_first_and_offsets_stay_in_order() {
        // 2(right) 5(left) 1(left) 6(right) 9(left)
        let merged = merge(&[head(&[5, 1, 9], false), head(&[2, 6], false)], 100);
        assert_eq!((merged.seq, merged.rows), (vec![vec![1, 2, 4], vec![0, 3]], 5));
    }

    #[test]
    fn a_step_waits_for_an_input_that_may_have_older_rows() {
        let right = head(&[10, 11], false);
        assert_eq!(merge(&[head(&[1, 2], true), right], 100).seq, [vec![0, 1], vec![]]);
        assert_eq!(merge(&[head(&[], false), right], 1).seq, [vec![], vec![0]]);
    }

    #[test]
    fn equal_times_take_turns_whatever_the_size_of_a_step() {
        let (left, right) = ([7, 17, 31, 41, 41], [17, 41, 41]);
        for limit in 1..=8 {
            let (mut taken, mut turns, mut order) = ([0, 0], vec![0, 0], Vec::new());
            while order.len() < 8 {
                let input = |side: usize, times| Head { times, more: false, turn: turns[side] };
                let merged = merge(&[input(0, &left[taken[0]..]), input(1, &right[taken[1]..])], limit);
                let mut step: Vec<(u64, usize)> =
                    (0..2).flat_map(|side| merged.seq[side].iter().map(move |seq| (*seq, side))).collect();
                step.sort_unstable();
                order.extend(step.iter().map(|(_, side)| *side));
                taken = [taken[0] + merged.seq[0].len(), taken[1] + merged.seq[1].len()];
                turns = merged.turns;
            }
            assert_eq!(order, [0, 1, 0, 0, 1, 0, 1, 0], "steps of {limit}");
        }
    }
}
