/** Owns what is unfolded on the page at the moment: drawer, dialogs, the message that is being edited. */

export class View {
  drawer = $state(false);
  help = $state(false);
  /** The dialog of keys. */
  keys = $state(false);
  /** The panel of sampling and instruction. */
  sampling = $state(false);
  /** Id of the message being edited. */
  editing = $state<string | null>(null);
  /** Id of the answer whose prompt is shown. */
  prompt = $state<string | null>(null);
  /** Name of the model whose context is shown. */
  context = $state<string | null>(null);
  /** Name of the model whose settings of its own are shown. */
  own = $state<string | null>(null);
  /** Counts requests to put the cursor into the search field. */
  searches = $state(0);

  reset(): void {
    this.editing = null;
    this.prompt = null;
  }
}
