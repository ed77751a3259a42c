//! Registers metrics, and sets their values by labels.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Error, Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
};

/// Makes metrics that belong to a registry.
///
/// # Errors
/// Each method fails if its name is taken already, which the tests rule out.
pub struct Register<'a>(pub &'a Registry);

impl Register<'_> {
    fn keep<C: Collector + Clone + 'static>(&self, metric: C) -> Result<C, Error> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    pub fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, Error> {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, Error> {
        self.keep(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    pub fn gauges_of_seconds(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<GaugeVec, Error> {
        self.keep(GaugeVec::new(Opts::new(name, help), labels)?)
    }

    pub fn gauge(&self, name: &str, help: &str) -> Result<Gauge, Error> {
        self.keep(Gauge::new(name, help)?)
    }

    pub fn histograms_of_seconds(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> Result<HistogramVec, Error> {
        let opts = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.keep(HistogramVec::new(opts, labels)?)
    }
}

/// Declares a struct of metrics, and how each is registered: a method of [`Register`] with its
/// arguments.
macro_rules! metrics {
    (pub struct $name:ident { $($metric:ident: $kind:ident $arguments:tt,)+ }) => {
        pub struct $name {
            $($metric: metrics!(@type $kind),)+
        }

        impl $name {
            pub fn register(
                register: &$crate::metrics::register::Register<'_>,
            ) -> Result<$name, prometheus::Error> {
                Ok($name { $($metric: register.$kind $arguments?,)+ })
            }
        }
    };
    (@type counters) => { prometheus::IntCounterVec };
    (@type gauges) => { prometheus::IntGaugeVec };
    (@type gauges_of_seconds) => { prometheus::GaugeVec };
    (@type gauge) => { prometheus::Gauge };
    (@type histograms_of_seconds) => { prometheus::HistogramVec };
}
pub(super) use metrics;

// A wrong number of labels would be a mistake in this folder. The tests use every metric.

pub fn count(counters: &IntCounterVec, labels: &[&str]) {
    add(counters, labels, 1);
}

pub fn add(counters: &IntCounterVec, labels: &[&str], value: u64) {
    if let Ok(counter) = counters.get_metric_with_label_values(labels) {
        counter.inc_by(value);
    }
}

pub fn set(gauges: &IntGaugeVec, labels: &[&str], value: i64) {
    if let Ok(gauge) = gauges.get_metric_with_label_values(labels) {
        gauge.set(value);
    }
}

pub fn set_seconds(gauges: &GaugeVec, labels: &[&str], value: Duration) {
    if let Ok(gauge) = gauges.get_metric_with_label_values(labels) {
        gauge.set(value.as_secs_f64());
    }
}

pub fn observe(histograms: &HistogramVec, labels: &[&str], value: Duration) {
    if let Ok(histogram) = histograms.get_metric_with_label_values(labels) {
        histogram.observe(value.as_secs_f64());
    }
}
