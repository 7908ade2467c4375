/** What can be cancelled. */

export interface Going {
    /** `Generating tests for shop/pricing.py` */
    readonly label: string;
    cancel(): Promise<void>;
}

/** What the user can choose of several: all, or one. */
export function choices(
    going: readonly Going[],
): readonly { readonly label: string; readonly what: readonly Going[] }[] {
    return [{ label: `All ${going.length}`, what: going }, ...going.map((one) => ({ label: one.label, what: [one] }))];
}
