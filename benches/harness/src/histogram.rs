//! Durations in buckets that are 1/16 of a power of two wide.

/// How often each duration was seen, to 6 % and to the nanosecond below 32.
pub(crate) struct Histogram {
    counts: Vec<u64>,
    seen: u64,
    max: u64,
}

const SUB: u32 = 4;

fn bucket(ns: u64) -> usize {
    let power = ns.max(1).ilog2();
    if power <= SUB {
        return ns as usize;
    }
    let shift = power - SUB;
    ((u64::from(shift) << SUB) + (ns >> shift)) as usize
}

/// The middle of a bucket.
fn middle(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 << SUB {
        return bucket;
    }
    let shift = (bucket >> SUB) - 1;
    let low = ((bucket & ((1 << SUB) - 1)) + (1 << SUB)) << shift;
    low + (1 << shift) / 2
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Histogram {
            counts: vec![0; bucket(u64::MAX) + 1],
            seen: 0,
            max: 0,
        }
    }

    pub(crate) fn add(&mut self, ns: u64) {
        self.counts[bucket(ns)] += 1;
        self.seen += 1;
        self.max = self.max.max(ns);
    }

    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    /// The duration below which that share of all lies.
    pub(crate) fn quantile(&self, share: f64) -> u64 {
        let wanted = (self.seen as f64 * share).ceil() as u64;
        let mut below = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= wanted.max(1) {
                return middle(bucket).min(self.max);
            }
        }
        self.max
    }

    pub(crate) fn max(&self) -> u64 {
        self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_middle_and_is_narrow() {
        for ns in (0..1000).chain([4095, 4096, 1 << 20, (1 << 40) + 12345]) {
            let middle = middle(bucket(ns));
            assert_eq!(bucket(middle), bucket(ns), "{ns}");
            assert!(middle.abs_diff(ns) <= ns / 16, "{ns} {middle}");
        }
    }

    #[test]
    fn quantiles_of_a_hundred() {
        let mut histogram = Histogram::new();
        (1..=100).for_each(|ns| histogram.add(ns));
        assert_eq!(histogram.seen(), 100);
        assert_eq!(histogram.max(), 100);
        assert!(histogram.quantile(0.5).abs_diff(50) <= 3);
        assert!(histogram.quantile(0.99).abs_diff(99) <= 6);
        assert_eq!(histogram.quantile(1.0), 100);
    }
}
