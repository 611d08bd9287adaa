import type { Attachment } from "svelte/attachments";

/** A text field as high as its text; `text` is read so that changes from outside count too. */
export function grows(text: () => string): Attachment<HTMLTextAreaElement> {
  return (field) => {
    text();
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  };
}
