//! What nobody may count on: kills, a byte that is lost, a removal, a power cut.

use super::*;

impl Snapshot {
    /// What happens to one process.
    pub(super) fn misfortune(&self, s: &State, p: u8, out: &mut Steps<State>) {
        let process = &s.processes[usize::from(p)];
        if s.kills > 0 {
            let mut n = *s;
            n.kills -= 1;
            self.kill(&mut n, p);
            out.fault(format_args!("P{p}: KILLED"), n);
        }
        if s.taken_for_dead > 0 && process.main < Main::CloseWriting {
            let mut n = *s;
            n.taken_for_dead -= 1;
            n.haunted = true;
            n.process(p).haunts = true;
            n.row_mut(process.row).live = NONE;
            if n.owner == p {
                n.owner = NONE;
            }
            out.fault(format_args!("P{p}: loses its byte and runs on"), n);
        }
    }

    /// What happens to the object, and to all at once.
    pub(super) fn catastrophe(&self, s: &State, out: &mut Steps<State>) {
        if s.removals > 0 {
            let mut n = *s;
            n.removals -= 1;
            (n.removed, n.was_removed) = (true, true);
            out.fault(format_args!("remove: set REMOVED"), n);
        }
        if s.power_cuts > 0 {
            let mut n = *s;
            n.power_cuts -= 1;
            for p in 0..self.processes {
                self.kill(&mut n, p);
            }
            n.copier = COPIER;
            for row in &mut n.rows {
                row.generation = row.generation.saturating_sub(1);
            }
            out.fault(format_args!("POWER CUT, with older generations"), n);
        }
    }

    fn kill(&self, s: &mut State, p: u8) {
        let process = *s.process(p);
        for row in &mut s.rows {
            if row.live == p {
                row.live = NONE;
            }
        }
        if s.member == p {
            s.member = NONE;
        }
        if s.owner == p {
            s.owner = NONE;
        }
        if process.main.is_changing() {
            s.lost = true;
        }
        *s.process(p) = OUT;
    }
}
