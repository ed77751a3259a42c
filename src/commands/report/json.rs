//! The report as JSON. `docs/design/report.md` describes the fields, and a change that breaks a
//! reader raises the version.

use serde_json::{Map, Value, json};

use super::gather::Gathered;
use super::names::{Names, clean};
use crate::finding::Level;
use crate::policy::report::{Delay, Delays, Noisy, Numbers, OpenIncidents, Subject, Table};

const VERSION: u32 = 1;

pub fn of(gathered: &Gathered, names: &Names<'_>) -> Value {
    let (report, reads) = (&gathered.report, &gathered.reads);
    let account = |id: &String| {
        let name = names.name(id);
        vec![("account", or_null(id)), ("name", json!(name))]
    };
    let days = report.days.iter();
    let days = days.map(|(day, numbers)| row(vec![("day", json!(day.to_string()))], numbers));
    let level = |level: &Option<Level>| vec![("level", json!(level.map(Level::as_str)))];
    let silence = |(id, number): &(String, u64)| json!({"silence": clean(id), "alerts": number});
    json!({
        "version": VERSION,
        "from": report.period.from,
        "until": report.period.until,
        "totals": row(Vec::new(), &report.totals),
        "accounts": table(&report.accounts, account),
        "types": table(&report.types, |kind| vec![("type", or_null(kind))]),
        "levels": table(&report.levels, level),
        "days": days.collect::<Vec<_>>(),
        "silences": report.silences.iter().map(silence).collect::<Vec<_>>(),
        "delay": delays(&report.delays, names),
        "noisiest": report.noisiest.iter().map(|one| noisy(one, names)).collect::<Vec<_>>(),
        "open": open(&report.open, names),
        "unposted": report.unposted,
        "gaps": report.gaps.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "reads": {
            "records": report.records, "pages": reads.pages, "days": reads.days,
            "read_units": reads.units,
        },
    })
}

fn or_null(text: &str) -> Value {
    match clean(text) {
        text if text.is_empty() => Value::Null,
        text => text.into(),
    }
}

fn row(head: Vec<(&str, Value)>, numbers: &Numbers) -> Value {
    let Numbers { findings, alerts, posts, .. } = *numbers;
    let own = [("findings", findings), ("alerts", alerts), ("posts", posts)];
    let counted = numbers.all_counted().map(|(what, number)| (what.as_str(), number));
    let all = own.into_iter().chain(counted).map(|(name, number)| (name, json!(number)));
    let fields = head.into_iter().chain(all).map(|(name, value)| (name.to_owned(), value));
    Value::Object(fields.collect::<Map<_, _>>())
}

fn table<K>(table: &Table<K>, head: impl Fn(&K) -> Vec<(&'static str, Value)>) -> Value {
    let rows = table.rows.iter().map(|(key, numbers)| row(head(key), numbers));
    let others =
        table.others.map(|others| row(vec![("rows", json!(others.keys))], &others.numbers));
    json!({ "rows": rows.collect::<Vec<_>>(), "others": others })
}

fn delays(delays: &Delays, names: &Names<'_>) -> Value {
    let Some(all) = &delays.all else { return Value::Null };
    let fields = |delay: &Delay| {
        json!({
            "alerts": delay.alerts, "median_ms": delay.median.as_millis() as u64,
            "worst_ms": delay.worst.as_millis() as u64,
        })
    };
    let level =
        |(level, delay): &(Level, Delay)| with(fields(delay), "level", json!(level.as_str()));
    let slowest = delays.slowest.as_ref().map(|slowest| {
        let of = subject(&slowest.subject, names);
        let of = with(of, "level", json!(slowest.level.as_str()));
        let of = with(of, "post", json!(clean(&slowest.post_id)));
        let of = with(of, "updated_at", json!(slowest.updated_at));
        with(of, "posted_at", json!(slowest.posted_at))
    });
    let levels = delays.levels.iter().map(level).collect::<Vec<_>>();
    with(with(fields(all), "levels", json!(levels)), "slowest", json!(slowest))
}

fn noisy(noisy: &Noisy, names: &Names<'_>) -> Value {
    let of = with(subject(&noisy.subject, names), "number", json!(noisy.number));
    let of = with(of, "level", json!(noisy.level.as_str()));
    let of = with(of, "silence", json!(noisy.silence_command()));
    with(of, "suppression_rule", json!(noisy.suppression_rule()))
}

fn open(open: &OpenIncidents, names: &Names<'_>) -> Value {
    let ages = open.by_age().map(|(age, numbers)| {
        let levels = Level::ALL.iter().zip(numbers);
        levels.fold(json!({ "age": age }), |all, (level, number)| {
            with(all, level.as_str(), json!(number))
        })
    });
    let oldest = open.oldest.iter().map(|oldest| {
        let of = with(subject(&oldest.subject, names), "level", json!(oldest.level.as_str()));
        with(of, "opened_at", json!(oldest.opened_at))
    });
    json!({
        "total": open.total(),
        "ages": ages.collect::<Vec<_>>(),
        "oldest": oldest.collect::<Vec<_>>(),
    })
}

fn subject(subject: &Subject, names: &Names<'_>) -> Value {
    json!({
        "product": or_null(&subject.product),
        "account": or_null(&subject.account),
        "name": names.name(&subject.account),
        "region": or_null(&subject.region),
        "id": or_null(&subject.id),
        "destination": or_null(&subject.destination),
        "type": or_null(&subject.kind),
        "resource": or_null(&subject.resource),
    })
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
    object
}
