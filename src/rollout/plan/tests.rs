//! Tables, and properties on a model of what AWS does with the steps.

mod properties;
mod tables;
mod world;
