import type { Window } from "../support/window";

export default {
    // Without Docker and without an index: whether the agent is set up is a matter of this test's own folders alone.
    machineSettings: { "testwright.agentBox": "bubblewrap", "testwright.modelBaseUrl": "http://127.0.0.1:9/v1" },
    userSettings: { "testwright.preferredModel": "a-model", "testwright.budget": 60 },
    environment: { PIP_CONFIG_FILE: "/dev/null", PIP_NO_INDEX: "1" },
} satisfies Window;
