//! Explores every state that a model of a protocol can reach.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::hash::Hash;

/// One step: its name, whether it is a fault, and where it leads.
pub type Step<L, W> = (L, bool, W);

pub trait Model {
    type World: Copy + Eq + Hash;
    type Label: Copy + Debug;

    fn start(&self) -> Self::World;
    fn steps(&self, world: &Self::World) -> Vec<Step<Self::Label, Self::World>>;
    /// The promise that this state breaks.
    fn broken(&self, world: &Self::World) -> Option<&'static str>;
    /// All messages are settled.
    fn is_settled(&self, world: &Self::World) -> bool;
}

#[derive(Debug)]
pub struct Outcome<L> {
    pub states: usize,
    /// How many states break a promise, and the steps to the first of them.
    pub broken: BTreeMap<&'static str, usize>,
    pub trace: Vec<L>,
}

/// Breadth first, so that the trace to a broken promise is a shortest one.
pub fn explore<M: Model>(model: &M) -> Outcome<M::Label> {
    let mut outcome = Outcome { states: 0, broken: BTreeMap::new(), trace: Vec::new() };
    let mut index = HashMap::from([(model.start(), 0_usize)]);
    let mut worlds = vec![model.start()];
    let mut came_by: Vec<Option<(usize, M::Label)>> = vec![None];
    // For each state, those that lead to it without a fault.
    let mut before: Vec<Vec<usize>> = vec![Vec::new()];
    let mut next = 0;
    while let Some(world) = worlds.get(next).copied() {
        if let Some(promise) = model.broken(&world) {
            if outcome.broken.is_empty() {
                outcome.trace = trace(&came_by, next);
            }
            *outcome.broken.entry(promise).or_default() += 1;
            next += 1;
            continue;
        }
        for (step, fault, to) in model.steps(&world) {
            let id = *index.entry(to).or_insert(worlds.len());
            if id == worlds.len() {
                worlds.push(to);
                came_by.push(Some((next, step)));
                before.push(Vec::new());
            }
            if !fault {
                before[id].push(next);
            }
        }
        next += 1;
    }
    outcome.states = worlds.len();
    // Nothing leads on from a state that breaks a promise, so with one of them the question whether
    // all can be settled has no answer.
    let settled = worlds.iter().map(|world| model.is_settled(world)).collect();
    if let Some(id) = first_stuck(settled, &before).filter(|_| outcome.broken.is_empty()) {
        outcome.trace = trace(&came_by, id);
        outcome.broken.insert("stuck", 1);
    }
    outcome
}

fn trace<L: Copy>(came_by: &[Option<(usize, L)>], mut id: usize) -> Vec<L> {
    let mut steps = Vec::new();
    while let Some((from, step)) = came_by[id] {
        steps.push(step);
        id = from;
    }
    steps.reverse();
    steps
}

/// The first state from which no way without a fault leads to all messages being settled.
fn first_stuck(mut good: Vec<bool>, before: &[Vec<usize>]) -> Option<usize> {
    let mut open: Vec<usize> = (0..good.len()).filter(|id| good[*id]).collect();
    while let Some(id) = open.pop() {
        for from in &before[id] {
            if !good[*from] {
                good[*from] = true;
                open.push(*from);
            }
        }
    }
    good.iter().position(|good| !good)
}
