/** Which file the status bar's figures are of. */

/** What is active in the editor. */
export interface Active {
    readonly uri: string;
    readonly scheme: string;
    readonly languageId: string;
}

/**
 * The file that an active document is a reason to tell of: itself, or for a test file the module whose tests it holds.
 *
 * @param tested The modules of test files, by URI, as far as they are known.
 * @returns Its URI; undefined where nothing is to be told.
 */
export function subjectOf(active: Active | undefined, tested: ReadonlyMap<string, string>): string | undefined {
    return active?.languageId === "python" && active.scheme === "file"
        ? (tested.get(active.uri) ?? active.uri)
        : undefined;
}

/** Whether a file is named as test files are: that nothing is known of its own coverage is nothing to tell. */
export function isNamedAsTest(name: string): boolean {
    return /^(?:test_.*|.*_test|conftest)\.py$/i.test(name);
}
