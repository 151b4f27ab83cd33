namespace DeepEdu.Tests.House;

/// <summary>Tests that set process-wide things (the console, the thread count) or count the pool's blocks run one after the other.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class AloneCollection;
