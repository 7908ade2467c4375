/** Ends of runs as the server tells them. */
import type { CoverageFigures, GenerateReport, JudgeReport, RunFinished } from "../../../src/protocol";

export function figures(percent: number): CoverageFigures {
    return { line: percent, branch: percent, percent, missing_lines: [], missing_branches: [] };
}

export function generateReport(changes: Partial<GenerateReport> = {}): GenerateReport {
    return {
        status: "written",
        success: true,
        threshold: 70,
        threshold_reached: true,
        test_file: "/w/tests/test_pricing.py",
        module: "shop.pricing",
        path: "/w/shop/pricing.py",
        symbol: null,
        coverage: { before: null, after: figures(92.7) },
        tests: { kept: [], discarded: [] },
        seconds: {},
        box: "bubblewrap",
        interpreter: "/w/.venv/bin/python",
        python_version: "3.12.4",
        seed: 0,
        stopped_by: null,
        diff: "",
        notes: [],
        error: null,
        ...changes,
    };
}

/** A report that names so many tests. */
export function withTests(count: number, changes: Partial<GenerateReport> = {}): GenerateReport {
    const kept = Array.from({ length: count }, (_, index) => ({
        name: `test_${index}`,
        target: "add",
        origin: "search",
        lines_added: [],
        branches_added: [],
    }));
    return generateReport({ ...changes, tests: { kept, discarded: [] } as unknown as GenerateReport["tests"] });
}

export function failedReport(slug: string): GenerateReport | JudgeReport {
    return generateReport({ status: "failed", success: false, error: { slug, message: "It failed." } });
}

export function finished(changes: Partial<RunFinished> = {}): RunFinished {
    return {
        run: "generate-1",
        kind: "generate",
        status: "written",
        severity: "info",
        subject: "pricing",
        uri: "file:///w/shop/pricing.py",
        testUri: "file:///w/tests/test_pricing.py",
        message: "12 tests for pricing are in tests/test_pricing.py: 92 % covered.",
        report: generateReport(),
        ...changes,
    };
}
