// The browser's own slider: it has the keys, and the role and value that are read out. Quasar's keeps its role on
// one element and the focus on another.
export default {
  template: `
    <span class="range">
      <input type="range" tabindex="0" :aria-label="label" :min="min" :max="max" :step="step" v-model.number="now" />
    </span>
  `,
  props: { label: String, value: Number, min: Number, max: Number, step: Number },
  data() {
    return { now: this.value, telling: true };
  },
  watch: {
    value(given) {
      this.telling = false;
      this.now = given;
      this.$nextTick(() => (this.telling = true));
    },
    now(moved) {
      if (this.telling) this.$emit("update:value", moved);
    },
  },
};
