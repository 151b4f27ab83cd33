using System.CommandLine;
using DeepEdu.Devices;
using DeepEdu.Gpu;

namespace DeepEdu.Education.Cli;

/// <summary><c>--device</c>: where networks are trained.</summary>
internal static class DeviceOption
{
    public static Option<string> Create()
    {
        Option<string> option = new("--device") { Description = "cpu, gpu, or auto: a GPU where one is usable.", HelpName = "NAME", DefaultValueFactory = _ => "cpu" };
        option.AcceptOnlyFromAmong("cpu", "gpu", "auto");
        return option;
    }

    /// <summary>The device of that name.</summary>
    /// <exception cref="NotSupportedException">A GPU is asked for and there is none; says what was looked for.</exception>
    public static Device Of(string name) => name switch
    {
        "gpu" => GpuDevice.Best(),
        "auto" when GpuDevice.All().Count > 0 => GpuDevice.Best(),
        _ => CpuDevice.Instance,
    };
}
