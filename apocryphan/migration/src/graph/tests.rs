//! The order, and what is no order.

use super::{Graph, Node};

type Spec<'s> = (&'s str, &'s [&'s str]);

fn build(specs: &[Spec<'_>]) -> Result<(Graph, Vec<String>), String> {
    let depends: Vec<Vec<String>> = specs
        .iter()
        .map(|(_, depends)| depends.iter().map(|id| (*id).to_owned()).collect())
        .collect();
    let nodes: Vec<Node<'_>> = specs
        .iter()
        .zip(&depends)
        .map(|((id, _), depends)| Node {
            id,
            depends,
            file: id,
        })
        .collect();
    let graph = Graph::build(&nodes).map_err(|problems| problems.to_string())?;
    let order = graph
        .order()
        .iter()
        .map(|at| nodes[*at].id.to_owned())
        .collect();
    Ok((graph, order))
}

#[test]
fn the_order_is_natural_where_nothing_else_is_said() {
    let (_, order) = build(&[("10-b", &[]), ("9-a", &[]), ("100-c", &[])]).unwrap();
    assert_eq!(order, ["9-a", "10-b", "100-c"]);
}

#[test]
fn what_is_depended_on_comes_first() {
    let (graph, order) =
        build(&[("1-z", &["3-b"]), ("2-a", &[]), ("3-b", &[]), ("4-c", &[])]).unwrap();
    assert_eq!(order, ["2-a", "3-b", "1-z", "4-c"]);
    assert_eq!(graph.heads(), [1, 0, 3]);
}

#[test]
fn ancestors_and_dependants_reach_far() {
    let (graph, _) = build(&[("1", &[]), ("2", &["1"]), ("3", &["2"]), ("4", &[])]).unwrap();
    assert_eq!(graph.ancestors(2).into_iter().collect::<Vec<_>>(), [0, 1]);
    assert_eq!(graph.dependants(0).into_iter().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn mistakes_name_their_members_all_at_once() {
    let error = build(&[
        ("1-a", &["3-c"]),
        ("2-b", &["1-a"]),
        ("3-c", &["2-b"]),
        ("4-d", &["3-c"]),
        ("5-e", &["5-e"]),
        ("6-f", &["1-aa"]),
        ("6-f", &[]),
    ])
    .unwrap_err();
    let lines: Vec<&str> = error.lines().collect();
    let expected = [
        "6-f: duplicate id `6-f`: 6-f has it too; rename one of them",
        "6-f: `6-f` depends on `1-aa`, and there is no such migration; did you mean `1-a`?",
        "1-a: a cycle of dependencies: `1-a` depends on `3-c` depends on `2-b` depends on `1-a`; \
         remove one of them",
        "5-e: a cycle of dependencies: `5-e` depends on `5-e`; remove one of them",
    ];
    assert_eq!(lines, expected);
}
