// What came of a job; a calibration is put to use once it was shown what that changes.

import { ask, tell } from "./api.js";

const { collection } = document.documentElement.dataset;
const sure = document.getElementById("sure");

document.getElementById("use")?.addEventListener("click", () => sure.showModal());
sure?.addEventListener("close", async () => {
  if (sure.returnValue !== "use") return;
  try {
    await ask("/v1/calibrations", { method: "POST", body: { collection, job_id: sure.dataset.job } });
    location.reload();
  } catch (error) {
    tell(error.message, true);
  }
});
