/** Whether a file can be worked on, by what the editor knows of it; what only the server knows, the server tells. */

/** What the editor knows of a file. */
export interface Candidate {
    /** The scheme of its address. */
    readonly scheme: string;
    /** Its last name. */
    readonly name: string;
    /** Whether it is a Python document, or named as one. */
    readonly isPython: boolean;
    /** Whether it lies in a folder that is open. */
    readonly isInWorkspace: boolean;
}

/** Why it cannot be, as a sentence with the next step, and the button for that step. */
export interface Objection {
    readonly message: string;
    readonly step?: "trust" | "save" | "openFolder";
}

/**
 * Why nothing can be done; undefined when something can.
 *
 * @param candidate The file; undefined when none is active.
 * @param purpose What the file is for, in words: `generate tests for it`.
 */
export function objectionTo(
    candidate: Candidate | undefined,
    isTrusted: boolean,
    purpose: string,
): Objection | undefined {
    if (!isTrusted) {
        return untrusted();
    }
    if (candidate === undefined) {
        return { message: `No Python file is active. Open a module to ${purpose}.` };
    }
    const { scheme, name } = candidate;
    if (scheme === "vscode-notebook-cell") {
        return { message: "A cell of a notebook cannot be tested. Move its code to a module." };
    }
    if (scheme === "untitled") {
        return { message: `${name} has no file yet. Save it to ${purpose}.`, step: "save" };
    }
    if (scheme !== "file") {
        return {
            message: `Only files on a disk can be tested, and ${name} is one of ${scheme}:. Open the file itself.`,
        };
    }
    if (!candidate.isPython) {
        return { message: `${name} is not a Python file. Open a module to ${purpose}.` };
    }
    if (!candidate.isInWorkspace) {
        return {
            message: `${name} is in no folder that is open here. Open its folder to ${purpose}.`,
            step: "openFolder",
        };
    }
    return undefined;
}

/** Why nothing runs in a workspace that is not trusted. */
export function untrusted(): Objection {
    return {
        message: "This workspace is not trusted, so none of its code is run. Trust it to let Testwright work here.",
        step: "trust",
    };
}

/** Whether a file is named as test files are, so that it is worth asking what it is. */
export function looksLikeTest(name: string): boolean {
    return /^(?:test_.*|.*_test|conftest)\.py$/i.test(name);
}
