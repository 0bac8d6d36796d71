/* The slice viewer of the case page. Needs NiiVue (global `niivue`) and the elements of viewer.html.j2. */
"use strict";
(async function () {
  const find = (id) => document.getElementById("viewer-" + id);
  const facts = JSON.parse(find("facts").textContent);
  const canvas = find("canvas");
  const AXIS = { axial: 2, coronal: 1, sagittal: 0 };
  const WINDOWS = { lung: [-1350, 150], soft: [-160, 240] };

  const fail = (words) => {
    find("status").textContent = words;
    find("stage").hidden = true;
    document.documentElement.dataset.viewer = "failed";
  };
  if (!document.createElement("canvas").getContext("webgl2")) {
    fail("This browser cannot draw the slices (it offers no WebGL 2). The overview above holds the main levels.");
    return;
  }
  find("status").textContent = "Unpacking the scan …";

  const view = new niivue.Niivue({
    backColor: [0.05, 0.06, 0.08, 1], crosshairColor: [0.91, 0.91, 0.91, 0.55], crosshairWidth: 0.6,
    crosshairWidthUnit: "mm", crosshairGap: 6,
    fontColor: [0.91, 0.91, 0.91, 1], fontMinPx: 15, isRadiologicalConvention: true, sagittalNoseLeft: true,
    isOrientationTextVisible: true, showAllOrientationMarkers: true, dragAndDropEnabled: false,
    scrollRequiresFocus: true, isResizeCanvas: true, show3Dcrosshair: false, loadingText: "",
    multiplanarShowRender: 0, multiplanarForceRender: false, logLevel: "error",
    viewModeHotKey: "", clipPlaneHotKey: "", cycleClipPlaneHotKey: "",
  });

  const load = async (id, name, options) => {
    const volume = await niivue.NVImage.loadFromBase64({ base64: find(id).textContent.trim(), name, ...options });
    find(id).textContent = ""; /* the text takes as much memory again */
    return volume;
  };

  const plane = () => find("plane").value;
  const steps = () => facts.shape_xyz[AXIS[plane()] ?? 2];
  const fraction = (index, count) => (index - 0.5) / count;

  const showSlice = () => {
    const position = view.scene.crosshairPos.slice();
    position[AXIS[plane()] ?? 2] = fraction(Number(find("slice").value), steps());
    view.scene.crosshairPos = position;
    view.createOnLocationChange();
    view.drawScene();
  };
  const showPlane = () => {
    const types = { axial: view.sliceTypeAxial, coronal: view.sliceTypeCoronal,
                    sagittal: view.sliceTypeSagittal, all: view.sliceTypeMultiplanar };
    find("slice").max = steps();
    view.setSliceType(types[plane()]);
    view.createOnLocationChange();
  };
  const showLabels = () => {
    view.setOpacity(1, find("labels").checked ? Number(find("opacity").value) / 100 : 0);
  };
  const showWindow = () => {
    [view.volumes[0].cal_min, view.volumes[0].cal_max] = WINDOWS[find("window").value];
    view.updateGLVolume();
  };
  const tell = (place) => {
    const index = Math.min(steps(), Math.floor(view.scene.crosshairPos[AXIS[plane()] ?? 2] * steps()) + 1);
    find("slice").value = index;
    const [x, y, z] = place.mm; /* NIfTI's axes: towards the patient's right, front and head */
    const side = (value, plus, minus) => `${Math.abs(value).toFixed(0)} ${value < 0 ? minus : plus}`;
    const whole = (value) => value.toFixed(0).replace("-", "\u2212");
    const hu = Math.round(place.values[0].value / 10) * 10;
    const label = facts.names[Math.round(place.values[1].value)] ?? "";
    find("place").textContent = `${side(x, "R", "L")}, ${side(y, "A", "P")}, ${whole(z)} mm: ${whole(hu)} HU, ${label}`;
    find("count").textContent = `${index} of ${steps()}`;
  };

  try {
    await view.attachToCanvas(canvas);
    view.addVolume(await load("ct", "ct.nii.gz", { colormap: "gray", cal_min: -1350, cal_max: 150 }));
    const labels = await load("map", "labels.nii.gz", { opacity: 0.6 });
    labels.setColormapLabel(facts.colours);
    view.addVolume(labels);
  } catch (error) {
    fail("The slices could not be drawn: " + error.message);
    return;
  }
  view.onLocationChange = tell;
  view.scene.crosshairPos = facts.start_xyz;
  showPlane();
  showLabels();
  showSlice();
  find("plane").addEventListener("change", showPlane);
  find("slice").addEventListener("input", showSlice);
  find("labels").addEventListener("change", showLabels);
  find("opacity").addEventListener("input", showLabels);
  find("window").addEventListener("change", showWindow);
  find("status").textContent = "";
  document.documentElement.dataset.viewer = "ready";
})();
