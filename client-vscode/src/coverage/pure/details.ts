/** What the server says of a file, in the shape of the editor's own coverage: statements with their branches. */
import type { CoverageStatus, ModuleCoverage } from "../../protocol";

export interface Count {
    readonly covered: number;
    readonly total: number;
}

/** One file's figures; without branches where it has none. */
export interface Summary {
    readonly uri: string;
    readonly lines: Count;
    readonly branches?: Count;
}

/** A line that can be executed. */
export interface Statement {
    /** From 0. */
    readonly line: number;
    readonly isExecuted: boolean;
    /** Where it goes on; empty unless there is more than one way. */
    readonly branches: readonly Way[];
}

/** One of the ways on from a statement. */
export interface Way {
    readonly isTaken: boolean;
    /** For a person: `to line 12`. */
    readonly label: string;
}

/** A count as the editor takes it, whatever comes over the wire: whole numbers, and no more covered than there are. */
function sound({ covered, total }: Count): Count {
    const whole = (value: number): number => (Number.isFinite(value) ? Math.max(0, Math.trunc(value)) : 0);
    return { covered: Math.min(whole(covered), whole(total)), total: whole(total) };
}

/** The files of the view; those without anything that could be executed are left out, for they would count as 100 %. */
export function summariesOf(modules: readonly ModuleCoverage[]): readonly Summary[] {
    return modules.flatMap(({ uri, lines, branches }) => {
        const [statements, jumps] = [sound(lines), sound(branches)];
        if (statements.total === 0) {
            return [];
        }
        return [{ uri, lines: statements, ...(jumps.total > 0 ? { branches: jumps } : {}) }];
    });
}

/** Whether two answers would show the same. */
export function isSame(one: readonly Summary[], other: readonly Summary[]): boolean {
    const keyed = (summaries: readonly Summary[]): string =>
        JSON.stringify(
            summaries
                .map(({ uri, lines, branches }) => [
                    uri,
                    lines.covered,
                    lines.total,
                    branches?.covered ?? 0,
                    branches?.total ?? 0,
                ])
                .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
        );
    return keyed(one) === keyed(other);
}

/** The statements of a file in the order of its lines; one that both sides name counts as executed. */
export function statementsOf(
    status: Pick<CoverageStatus, "coveredLines" | "missingLines" | "branches">,
): readonly Statement[] {
    const executed = new Map<number, boolean>();
    for (const line of status.missingLines) {
        executed.set(line, false);
    }
    for (const line of status.coveredLines) {
        executed.set(line, true);
    }
    const ways = new Map<number, Map<number | null, boolean>>();
    for (const { from, to, taken } of status.branches) {
        const known = ways.get(from) ?? new Map<number | null, boolean>();
        ways.set(from, known.set(to, taken || known.get(to) === true));
    }
    return [...executed]
        .sort(([one], [other]) => one - other)
        .map(([line, isExecuted]) => ({
            line,
            isExecuted,
            branches: [...(ways.get(line) ?? [])]
                .sort(([one], [other]) => (one ?? Infinity) - (other ?? Infinity))
                .map(([to, isTaken]) => ({ isTaken, label: to === null ? "out of the block" : `to line ${to + 1}` })),
        }));
}
