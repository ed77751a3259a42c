use super::*;

const INTERVAL: Duration = Duration::from_millis(1100);
const TERMS: Terms = Terms {
    lease: Duration::from_secs(45),
    skew: Duration::from_secs(5),
    retention: Duration::from_secs(90 * 86_400),
    remind_after: None,
};

/// A worker with clocks of its own.
struct Worker {
    slots: PaceSlots,
    wall_off: i64,
    mono_off: u64,
}

/// The one record that the workers share.
#[derive(Default)]
struct Shared {
    record: Option<PaceRecord>,
    writes: u32,
}

impl Shared {
    fn write(
        &mut self,
        worker: &mut Worker,
        (expect, record): (Expect, PaceRecord),
        at: u64,
    ) -> bool {
        self.writes += 1;
        let done = expect.holds(self.record.as_ref());
        if done {
            self.record = Some(record);
        }
        worker.slots.saw(self.record.clone(), worker.now(at).mono);
        done
    }
}

impl Worker {
    fn new(name: &str, wall_off: i64, mono_off: u64) -> Worker {
        let slots = PaceSlots::new("security", name, INTERVAL, TERMS);
        Worker { slots, wall_off, mono_off }
    }

    fn now(&self, at: u64) -> Now {
        Now {
            wall: Wall(1_790_000_000_000 + at as i64 + self.wall_off),
            mono: Mono(at + self.mono_off),
        }
    }

    /// Takes the next step at `at`. True if the worker got the slot.
    fn drive(&mut self, shared: &mut Shared, level: Level, at: u64) -> bool {
        match self.slots.step(level, self.now(at)) {
            Step::Due => {
                let take = self.slots.take("a-post", self.now(at).wall);
                shared.write(self, take, at)
            }
            Step::Read => {
                self.slots.saw(shared.record.clone(), self.now(at).mono);
                false
            }
            Step::Write { expect, record } => {
                shared.write(self, (expect, record), at);
                false
            }
            Step::Wait(_) => false,
        }
    }
}

/// Runs workers in steps of 10 ms; the moments at which each got a slot.
fn run(
    workers: &mut [(Worker, Level)],
    shared: &mut Shared,
    from: u64,
    to: u64,
) -> Vec<(usize, u64)> {
    let mut slots = Vec::new();
    for at in (from..to).step_by(10) {
        for (i, (worker, level)) in workers.iter_mut().enumerate() {
            if worker.drive(shared, *level, at) {
                slots.push((i, at));
            }
        }
    }
    slots
}

fn gaps(slots: &[(usize, u64)]) -> impl Iterator<Item = u64> {
    slots.windows(2).map(|pair| pair[1].1 - pair[0].1)
}

#[test]
fn a_worker_alone_keeps_the_pace_without_reserving() {
    let mut shared = Shared::default();
    let mut alone = [(Worker::new("a", 0, 7), Level::Medium)];
    let slots = run(&mut alone, &mut shared, 0, 60_000);
    assert!(gaps(&slots).all(|gap| gap == 1380), "{slots:?}");
    assert_eq!(shared.writes as usize, slots.len());

    let mut critical = [(Worker::new("a", 0, 7), Level::Critical)];
    let slots = run(&mut critical, &mut Shared::default(), 0, 60_000);
    assert!(gaps(&slots).all(|gap| gap == 1100), "{slots:?}");
}

#[test]
fn workers_take_turns_however_their_clocks_go() {
    for (off, level) in [(0, Level::Medium), (5_000, Level::High), (-5_000, Level::Critical)] {
        let mut shared = Shared::default();
        let mut three = [
            (Worker::new("a", off, 0), level),
            (Worker::new("b", 0, 5_000_000), level),
            (Worker::new("c", off / 2, 3), level),
        ];
        let slots = run(&mut three, &mut shared, 0, 120_000);
        let least = if level == Level::Critical { 1100 } else { 1375 };
        assert!(gaps(&slots).all(|gap| gap >= least && gap <= least + 300), "{slots:?}");
        for worker in 0..3 {
            let share = slots.iter().filter(|(i, _)| *i == worker).count() * 100 / slots.len();
            assert!((10..=55).contains(&share), "{worker} has {share} %: {level} {slots:?}");
        }
    }
}

#[test]
fn a_critical_finding_waits_for_one_slot_at_most() {
    for arrives in (10_000..13_000).step_by(70) {
        let mut shared = Shared::default();
        let mut two =
            [(Worker::new("a", 3_000, 0), Level::High), (Worker::new("b", 0, 9), Level::Medium)];
        let slots = run(&mut two, &mut shared, 0, arrives);
        assert!(slots.len() > 5);
        two[1].1 = Level::Critical;
        let slots = run(&mut two, &mut shared, arrives, arrives + 3_000);
        let its_own = slots.iter().position(|(i, _)| *i == 1).unwrap();
        assert!(its_own <= 1, "{arrives}: {slots:?}");
        assert!(slots[its_own].1 <= arrives + 1_200, "{arrives}: {slots:?}");
    }
}

#[test]
fn a_pause_holds_for_all_and_only_ever_lengthens() {
    let mut shared = Shared::default();
    let mut two =
        [(Worker::new("a", 4_000, 0), Level::Critical), (Worker::new("b", 0, 9), Level::Critical)];
    run(&mut two, &mut shared, 0, 5_000);
    let a = &mut two[0].0;
    for (length, longer) in [(30_000, true), (10_000, false), (29_990, false)] {
        a.slots.saw(shared.record.clone(), Mono(5_000));
        match a.slots.pause(Duration::from_millis(length), a.now(5_000)) {
            Step::Write { expect, record } if longer => {
                assert!(shared.write(a, (expect, record), 5_000))
            }
            Step::Due if !longer => {}
            other => panic!("{length}: {other:?}"),
        }
    }
    let slots = run(&mut two, &mut shared, 5_010, 45_000);
    assert!(slots[0].1 >= 35_000 && slots[0].1 <= 35_300, "{slots:?}");
    // A third that comes when the pause is long over waits for nothing.
    let mut late = [(Worker::new("c", -5_000, 0), Level::Critical)];
    let slots = run(&mut late, &mut shared, 80_000, 81_000);
    assert_eq!(slots[0].1, 80_010);
}

#[test]
fn a_reservation_that_is_not_used_is_lost() {
    let mut shared = Shared::default();
    let mut a = [(Worker::new("a", 0, 0), Level::Critical)];
    run(&mut a, &mut shared, 0, 20);
    let mut gone = [(Worker::new("gone", 0, 0), Level::Critical)];
    run(&mut gone, &mut shared, 20, 60);
    assert_eq!(shared.record.as_ref().map(PaceRecord::worker), Some("gone"));
    let slots = run(&mut a, &mut shared, 60, 5_000);
    assert!((1_600..1_900).contains(&slots[0].1), "{slots:?}");
}

#[test]
fn after_a_write_without_an_answer_the_record_is_read() {
    let mut worker = Worker::new("a", 0, 0);
    let mut shared = Shared::default();
    assert!(!worker.drive(&mut shared, Level::High, 0));
    assert!(worker.drive(&mut shared, Level::High, 10));
    worker.slots.doubt();
    assert_eq!(worker.slots.step(Level::High, worker.now(20)), Step::Read);
    assert_eq!(worker.slots.pause(INTERVAL, worker.now(20)), Step::Read);
    // What was known of the slot before is still known.
    worker.slots.saw(shared.record.clone(), Mono(500));
    assert_eq!(worker.slots.step(Level::High, worker.now(500)), Step::Wait(Mono(10 + 1375)));
}

#[test]
fn an_interval_of_zero_never_waits() {
    let mut worker = Worker::new("a", 0, 0);
    worker.slots = PaceSlots::new("security", "a", Duration::ZERO, TERMS);
    let mut shared = Shared::default();
    worker.drive(&mut shared, Level::Low, 0);
    assert!((1..100).all(|_| worker.drive(&mut shared, Level::Low, 1)));
}
