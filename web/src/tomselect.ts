/** Tom Select with the one plugin we use, as a part that is loaded when it is needed. */
import TomSelect from "tom-select/base";
import removeButton from "tom-select/dist/esm/plugins/remove_button/plugin.js";

TomSelect.define("remove_button", removeButton);

export { TomSelect as Select };
