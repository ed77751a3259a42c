//! The report as a page for a browser: one file without scripts, which loads nothing. Its policy
//! (Content-Security-Policy) holds a browser to that. [`maud`] escapes every text.

use base64::prelude::{BASE64_STANDARD, Engine};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::commands::exit::Exit;
use crate::estate::gap::unlisted_by_default;
use crate::estate::matrix::Place;
use crate::instants::Wall;
use crate::words::number_of;

use super::json::{detector, forwarder, frequency, member};
use super::last::{KNOWS, read_for};
use super::report::{Cell, Counts, Group, Report, gap_groups, unread_groups};

const STYLE: &str = include_str!("page.css");
/// Places that are listed one by one. A page with more is too large for a browser.
const DETAILS_MAX: usize = 20_000;

pub fn page(report: &Report) -> String {
    let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="referrer" content="no-referrer";
                meta name="viewport" content="width=device-width";
                title { "GuardDuty coverage" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (summary(report))
                (groups(report, "Gaps", &gap_groups(&report.gaps)))
                (groups(report, "Unreadable", &unread_groups(&report.unread)))
                (matrix(report))
                (regions(report))
                (last_findings(report))
                (details(report))
                footer {
                    "Read by hansho " (env!("CARGO_PKG_VERSION")) " at " (report.at.to_rfc3339())
                    " with the rights of account " (report.matrix.caller.account)
                    ". What is unreadable is not the same as off."
                }
            }
        }
    };
    page.into_string()
}

fn summary(report: &Report) -> Markup {
    let (class, verdict) = match report.exit() {
        Exit::Done => ("verdict good", "Complete".to_owned()),
        Exit::Open => ("verdict bad", format!("Gaps: {}", report.gaps.len())),
        _ => ("verdict open", "No gap in what could be read".to_owned()),
    };
    let Counts { complete, with_gap, unread, not_enabled } = report.counts();
    let organisation = match &report.matrix.in_organisation {
        Ok(true) => "accounts of the organisation",
        Ok(false) => "no organisation: members by invitation, and known accounts",
        Err(_) => "the organisation could not be read: members, and known accounts",
    };
    let unlisted: Vec<&str> = unlisted_by_default(&report.matrix).into_iter().collect();
    html! {
        h1 { "GuardDuty coverage" }
        p.dim {
            (number_of(report.matrix.accounts.len(), "account")) ", "
            (number_of(report.matrix.regions.len(), "region")) ", " (report.at.to_rfc3339())
        }
        p class=(class) { (verdict) }
        dl {
            dt { "Places" }
            dd {
                (complete) " complete, " (with_gap) " with a gap, " (unread) " unreadable, "
                (not_enabled) " not enabled. A place is one account in one region."
            }
            dt { "Administrator" }
            dd { (report.label(&report.matrix.caller.account)) }
            dt { "Accounts" }
            dd { (organisation) }
            @if !unlisted.is_empty() {
                dt { "Not read" }
                dd { "Regions that every account has, and no list names: " (unlisted.join(", ")) }
            }
        }
    }
}

fn groups(report: &Report, head: &str, groups: &[Group]) -> Markup {
    html! {
        @if !groups.is_empty() {
            h2 { (head) }
            ul {
                @for group in groups {
                    li {
                        b { (group.title) }
                        @if !group.accounts.is_empty() {
                            (names(group, report))
                        }
                        @if !group.regions.is_empty() {
                            p.dim { (group.regions.join(", ")) }
                        }
                    }
                }
            }
        }
    }
}

fn names(group: &Group, report: &Report) -> Markup {
    let all = report.matrix.accounts.len();
    let names: Vec<String> = group.accounts.iter().map(|id| report.label(id)).collect();
    html! {
        @if names.len() == all && all > 1 {
            p { "all " (all) " accounts" }
        } @else {
            p { (names.join(", ")) }
        }
    }
}

fn matrix(report: &Report) -> Markup {
    let cells = report.cells();
    let (accounts, regions) = (&report.matrix.accounts, &report.matrix.regions);
    let cell = |region: &str, account: &str| {
        cells.get(&(region, account)).copied().unwrap_or(Cell::NotEnabled)
    };
    html! {
        h2 { "Accounts and regions" }
        div.scroll {
            table {
                thead {
                    tr { th {} @for region in regions.keys() { th { span { (region) } } } }
                }
                tbody {
                    tr {
                        th { "the region itself" }
                        @for region in regions.keys() {
                            @let letters = report.region_letters(region);
                            td class=(if letters.is_empty() { "complete" } else if letters == "?" { "unread" } else { "gap" }) {
                                (if letters.is_empty() { "✓" } else { letters.as_str() })
                            }
                        }
                    }
                    @for (id, facts) in accounts {
                        tr {
                            th { code { (id) } " " (facts.name.as_str()) }
                            @for region in regions.keys() { (drawn(cell(region, id))) }
                        }
                    }
                }
            }
        }
        p.legend.dim {
            @for entry in [
                "✓ complete", "D no detector", "S detector suspended", "M not a member",
                "P plan off", "Q frequency", "A not the administrator", "E auto-enable",
                "F forwarder", "? unreadable", "– region not enabled",
            ] { span { (entry) } }
        }
    }
}

fn drawn(cell: Cell) -> Markup {
    let (class, text) = match cell {
        Cell::Complete => ("complete", '✓'),
        Cell::Gap(letter) => ("gap", letter),
        Cell::Unread => ("unread", '?'),
        Cell::NotEnabled => ("none", '–'),
    };
    html! { td class=(class) { (text) } }
}

fn regions(report: &Report) -> Markup {
    let auto = |name: &str| match &report.matrix.regions[name].configuration {
        Ok(Some(configuration)) => configuration.members.as_str(),
        Ok(None) => "none",
        Err(_) => "unreadable",
    };
    html! {
        h2 { "Regions" }
        table.details {
            thead { tr { th { "Region" } th { "Auto-enable" } th { "Forwarder" } th { "Target" } } }
            tbody {
                @for (name, facts) in &report.matrix.regions {
                    tr {
                        td { (name) }
                        td { (auto(name)) }
                        td { (facts.forwarder.as_ref().map_or("not read", forwarder)) }
                        td {
                            @if let Some(Ok(Some(rule))) = &facts.forwarder {
                                @for target in &rule.targets { (target.arn) " " }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn last_findings(report: &Report) -> Markup {
    let Some(Ok(last)) = &report.last else { return html! {} };
    html! {
        h2 { "Last findings that were posted" }
        p.dim { (KNOWS) " " (read_for(last)) }
        table.details {
            thead { tr { th { "Region" } th { "Last finding" } th { "Account" } } }
            tbody {
                @for region in report.matrix.regions.keys() {
                    tr {
                        td { (region) }
                        @match last.of_region(region) {
                            Some((at, account)) => {
                                td { (at.to_rfc3339()) } td { (report.label(account)) }
                            },
                            None => { td { "none" } td {} },
                        }
                    }
                }
            }
        }
    }
}

fn details(report: &Report) -> Markup {
    let matrix = &report.matrix;
    html! {
        h2 { "Every place" }
        @if matrix.places.len() > DETAILS_MAX {
            p.dim { "The first " (DETAILS_MAX) " of " (matrix.places.len()) ". --csv writes all." }
        }
        table.details {
            thead {
                tr {
                    th { "Region" } th { "Account" } th { "Detector" } th { "Member" }
                    th { "Plans that are on" } th { "Frequency" }
                    @if report.last.is_some() { th { "Last finding" } }
                }
            }
            tbody {
                @for ((region, account), place) in matrix.places.iter().take(DETAILS_MAX) {
                    @if let Place::Enabled(facts) = place {
                        tr {
                            td { (region) }
                            td { (report.label(account)) }
                            td { (detector(facts)) }
                            td { (member(matrix.is_administrator(account), facts)) }
                            td {
                                @match &facts.plans {
                                    Ok(plans) => {
                                        @for (name, plan) in plans.iter().filter(|(_, plan)| plan.on) {
                                            (name) @if plan.by_policy { " (policy)" } " "
                                        }
                                    },
                                    Err(_) => "unreadable",
                                }
                            }
                            td { (frequency(facts).unwrap_or("")) }
                            @match &report.last {
                                None => {},
                                Some(Ok(last)) => td {
                                    (last.of(region, account).map(Wall::to_rfc3339).unwrap_or_default())
                                },
                                Some(Err(_)) => td { "unreadable" },
                            }
                        }
                    }
                }
            }
        }
    }
}
