import { defineProfileTool } from "./profile-tool.ts";

/** Zoo Code carries on Roo Code. */
export const zooCode = defineProfileTool({
  id: "zoo-code",
  label: "Zoo Code",
  extension: "ZooCodeOrganization.zoo-code",
});
