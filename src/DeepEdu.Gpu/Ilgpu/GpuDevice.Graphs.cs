namespace DeepEdu.Gpu;

/// <content>Launches: one by one, or as graphs.</content>
public sealed partial class GpuDevice
{
    /// <summary>Whether what is asked of the accelerator is collected and goes there as CUDA graphs, many kernels with one call of the driver; false unless set. The results are the same: a graph is launched with
    /// the arguments that its kernels would have been launched with. It pays where a step's kernels are so short that launching them takes longer. An error of the accelerator shows later than without.
    /// Where there are no such graphs (OpenCL, <see cref="Simulated"/>, a driver older than CUDA 11.4) the setting changes nothing, which <see cref="Log"/> is told, or throws if <see cref="Strict"/>.</summary>
    /// <exception cref="NotSupportedException">There are no graphs, and the device is strict.</exception>
    public bool Graphs
    {
        get => _queue?.Graphs ?? false;
        set
        {
            if (_queue is not null && (!value || CudaGraphs.Found is not null)) { _queue.Graphs = value; }
            else if (value)
            {
                string what = $"graphs: {Name} has none, which take CUDA with a driver of version 11.4 or later";
                if (Strict) { throw new NotSupportedException($"{what}; leave Graphs at false, or set Strict to false"); }
                Log($"{what}; kernels are launched one by one");
            }
        }
    }

    /// <summary>The launches so far in one line, such as "cuda (NVIDIA H200): 812 kernels one by one; 5000 graphs of 310000 kernels and copies, 42000 of them with new arguments; 2 graphs made".
    /// Only CUDA counts them.</summary>
    public string LaunchReport() => FormattableString.Invariant(
        $"{Name}: {Counts.Direct} kernels one by one; {Counts.Graphs} graphs of {Counts.Collected} kernels and copies, {Counts.Updated} of them with new arguments; {Counts.Made} graphs made");

    internal override void EndStep()
    {
        LaunchUpdates();
        _queue?.Submit();
    }

    internal LaunchCounts Counts => _queue?.Counts ?? default;
}
