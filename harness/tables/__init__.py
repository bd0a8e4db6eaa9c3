"""Page tables as a kernel writes them: builder, editor, reader. Shares nothing with the model."""
