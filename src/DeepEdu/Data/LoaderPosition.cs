namespace DeepEdu.Data;

/// <summary>Where a loader stands: everything it needs to go on exactly, even within an epoch.</summary>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="Batch">How many of its batches were handed out.</param>
public readonly record struct LoaderPosition(int Epoch, int Batch);
