/** Several changes in a row are one. */

/** Calls `act` once, when for some milliseconds there was no further call; with what the calls have given, in order. */
export function debounced<T>(
    milliseconds: number,
    act: (given: readonly T[]) => void,
): { readonly call: (one: T) => void; readonly dispose: () => void } {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let given: T[] = [];
    return {
        call: (one) => {
            given.push(one);
            clearTimeout(timer);
            timer = setTimeout(() => {
                const all = given;
                given = [];
                act(all);
            }, milliseconds);
        },
        dispose: () => {
            clearTimeout(timer);
            given = [];
        },
    };
}
