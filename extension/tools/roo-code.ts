import { defineProfileTool } from "./profile-tool.ts";

/** Roo Code is not made any further, but old installations still run. */
export const rooCode = defineProfileTool({
  id: "roo-code",
  label: "Roo Code",
  extension: "RooVeterinaryInc.roo-cline",
});
