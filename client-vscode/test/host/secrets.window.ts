import type { Window } from "../support/window";

export default {
    userSettings: { "testwright.logLevel": "debug", "testwright.trace.server": "verbose" },
} satisfies Window;
