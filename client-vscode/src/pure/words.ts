/** Words for what has no words of its own. */

/** What was thrown, in words. */
export function wordsOf(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}

/** The last part of an address's path: the name of a file or folder. */
export function lastName({ path }: { readonly path: string }): string {
    return path.slice(path.lastIndexOf("/") + 1);
}
